-- P36: the operator says that this database is a copy that was put back. One transaction: the event stream gets
-- another name, so that no cursor of before is taken for one of now; every hold of before is fenced by an epoch that
-- none of them can have (P25), and begins anew; what is open is counted for the report.
create or replace function dash.complete_restore(p jsonb) returns jsonb
language plpgsql as $$
declare
  e dash.events;
begin
  perform dash.lock_claims();
  perform 1 from dash.gateways order by id for no key update;
  update dash.gateways set
    allocated_epoch = greatest(allocated_epoch, owner_epoch) + 1000000,
    owner_epoch = greatest(allocated_epoch, owner_epoch) + 1000000
  where state <> 'removed';
  update dash.installation set
    stream = replace(gen_random_uuid()::text, '-', ''), restored_at = now(), restored_by = p->>'actor';
  e.type := 'installation.restored';
  e.actor := p->>'actor';
  perform dash.write_event(dash.next_event(), e);
  return dash.restore_report();
end $$;

create or replace function dash.restore_report() returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'stream', i.stream,
    'openTasks', (select coalesce(jsonb_object_agg(state, count), '{}')
                  from (select state, count(*) from dash.tasks where open group by state) counted),
    'openAttempts', (select count(*) from dash.attempts where open),
    'openSwarms', (select count(*) from dash.swarms where state in ('running', 'paused')))
  from dash.installation i
$$;
