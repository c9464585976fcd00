-- P11: all sources of a level are walked in one statement.
drop function if exists dash.walk_candidates(text, text, smallint, dash.free_gateway[], text[]);
drop function if exists dash.taken_tenants(text, text, dash.free_gateway[]);
drop function if exists dash.candidate_sources(dash.free_gateway[]);
drop function if exists dash.next_level(text, text, smallint);
drop function if exists dash.first_of_tenants(text, text, smallint);
