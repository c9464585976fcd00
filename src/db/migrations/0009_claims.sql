-- P14: a candidate carries its tenant's pass, so that a claim which fills many lanes reads the passes once.
alter type dash.candidate add attribute pass bigint;
drop function if exists dash.next_candidate(dash.free_gateway[], text[]);
drop function if exists dash.advance_pass(text, smallint, text);
