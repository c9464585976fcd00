-- What happens by itself to work that did not end well: src/db/outcome-policy.ts.
create or replace function dash.read_outcome_policy(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'quarantineAfter', i.quarantine_after, 'decisionExpiryHours', i.decision_expiry_hours,
    'migrateSessionsAfterHours', i.migrate_sessions_after_hours)
  from dash.installation i
$$;

-- What is left out stays; null turns it off.
create or replace function dash.set_outcome_policy(p jsonb) returns jsonb
language plpgsql as $$
declare
  e dash.events;
  v_change jsonb := p->'change';
begin
  update dash.installation i set
    quarantine_after =
      case when v_change ? 'quarantineAfter' then (v_change->>'quarantineAfter')::integer else quarantine_after end,
    decision_expiry_hours = case when v_change ? 'decisionExpiryHours'
      then (v_change->>'decisionExpiryHours')::integer else decision_expiry_hours end,
    migrate_sessions_after_hours = case when v_change ? 'migrateSessionsAfterHours'
      then (v_change->>'migrateSessionsAfterHours')::integer else migrate_sessions_after_hours end;
  e.type := 'policy.changed';
  e.actor := p->>'actor';
  e.data := v_change;
  perform dash.write_event(dash.next_event(), e);
  return dash.read_outcome_policy('{}');
end $$;
