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

-- When the first undecided outcome is discarded by policy; null: none is.
create or replace function dash.next_decision_expiry() returns timestamptz
language sql stable as $$
  select a.indeterminate_at + make_interval(hours => i.decision_expiry_hours)
  from dash.installation i, dash.attempts a
  where i.decision_expiry_hours is not null and a.state = 'indeterminate' and a.decision is null
  order by a.indeterminate_at limit 1
$$;

-- P8, P29: what nobody has decided about in time is discarded, as if a person had said so; its workflow aborts what may
-- still run first. One step of promote_due.
create or replace function dash.expire_decision() returns jsonb
language plpgsql as $$
declare
  l record;
  a dash.attempts;
  v_id uuid;
begin
  if dash.next_decision_expiry() <= now() is not true then
    return null;
  end if;
  select id into v_id from dash.attempts
  where state = 'indeterminate' and decision is null order by indeterminate_at limit 1;
  l := dash.lock_attempt(v_id);
  a := l.attempt;
  if a.state is distinct from 'indeterminate' or a.decision is not null then
    return null;
  end if;
  perform dash.write_decision(a, '{"decision": {"kind": "discard"}, "actor": "expiry"}');
  perform dash.emit_attempt('attempt.decided', l.task, a, 'expiry', '{"decision": "discard"}');
  return jsonb_build_object(
    'promoted', 0, 'expired', 1, 'dirtySwarmId', null, 'workflowId', null,
    'decision', jsonb_build_object('workflowId', (l.task).workflow_id, 'attemptId', a.id));
end $$;
