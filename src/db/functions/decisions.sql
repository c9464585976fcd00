-- What waits for a person: src/db/decision-store.ts.
create or replace function dash.decision_json(t dash.tasks, a dash.attempts) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'taskId', t.id, 'seq', t.seq, 'attemptId', a.id, 'attemptNumber', a.number, 'tenant', t.tenant, 'pool', t.pool,
    'sessionKey', t.session_key, 'swarmId', t.swarm_id, 'gatewayId', a.gateway_id, 'holdsLane', a.holds_lane,
    'reason', a.indeterminate_reason, 'evidence', a.evidence, 'since', dash.iso(a.indeterminate_at),
    'expiresAt', (
      select dash.iso(a.indeterminate_at + make_interval(hours => i.decision_expiry_hours)) from dash.installation i),
    'runIds', a.run_ids, 'recoveryRunIds', a.recovery_run_ids, 'cancelRequested', t.cancel_requested,
    'decision', case when a.decision is not null then jsonb_build_object(
      'decision', a.decision, 'actor', a.decided_by, 'at', dash.iso(a.decided_at)) end)
$$;

-- In the order of acceptance; `after` is the seq of the last one of the page before.
create or replace function dash.list_decisions(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.decision_json(x.t, x.a) order by (x.t).seq), '[]') from (
    select t, a from dash.attempts a join dash.tasks t on t.id = a.task_id
    where a.state = 'indeterminate' and t.open
      and (p->>'tenant' is null or t.tenant = p->>'tenant')
      and (p->>'gatewayId' is null or a.gateway_id = p->>'gatewayId')
      and (p->>'after' is null or t.seq > (p->>'after')::bigint)
    order by t.seq limit (p->>'limit')::integer) x
$$;

create or replace function dash.get_decision(p jsonb) returns jsonb
language sql stable as $$
  select dash.decision_json(t, a) from dash.attempts a join dash.tasks t on t.id = a.task_id
  where a.task_id = p->>'taskId' and a.state = 'indeterminate'
$$;
