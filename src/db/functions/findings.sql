-- What reconcile found: src/db/finding-store.ts. Rounds are a minute apart; what was not seen for ten of them and is
-- seen then is a new finding.
create or replace function dash.record_finding(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_repaired boolean := (p->>'repaired')::boolean;
  v_part text := coalesce(p->>'part', '');
begin
  perform dash.lock_key('finding/' || (p->>'kind') || '/' || (p->>'subject') || '/' || v_part);
  update dash.reconcile_findings set
    last_seen_at = now(), times = times + 1, detail = coalesce(p->'detail', '{}')
  where kind = p->>'kind' and subject = p->>'subject' and part = v_part and repaired = v_repaired
    and last_seen_at > now() - interval '10 minutes';
  if not found then
    insert into dash.reconcile_findings (kind, subject, part, detail, repaired)
    values (p->>'kind', p->>'subject', v_part, coalesce(p->'detail', '{}'), v_repaired);
  end if;
  return jsonb_build_object('kind', 'ok');
end $$;

-- `standing`: not repaired, and seen within the last three minutes.
create or replace function dash.list_findings(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'id', f.id, 'kind', f.kind, 'subject', f.subject, 'detail', f.detail, 'repaired', f.repaired,
    'times', f.times, 'firstSeenAt', dash.iso(f.first_seen_at), 'lastSeenAt', dash.iso(f.last_seen_at))
    order by f.id desc), '[]')
  from (
    select * from dash.reconcile_findings
    where (p->>'before' is null or id < (p->>'before')::bigint)
      and (p->>'kind' is null or kind = p->>'kind')
      and (p->>'subject' is null or subject = p->>'subject')
      and (p->>'repaired' is null or repaired = (p->>'repaired')::boolean)
      and ((p->>'standing')::boolean is not true
           or (not repaired and last_seen_at > now() - interval '3 minutes'))
    order by id desc limit (p->>'limit')::integer) f
$$;

create or replace function dash.finding_counts(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('kind', kind, 'repaired', repaired, 'count', times)), '[]')
  from (select kind, repaired, sum(times) as times from dash.reconcile_findings group by kind, repaired) counted
$$;
