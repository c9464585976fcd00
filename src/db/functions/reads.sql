-- Reads of tasks and attempts: src/db/task-store.ts and attempt-record.ts.
create or replace function dash.get_task(p jsonb) returns jsonb
language sql stable as $$
  select dash.task_summary(t) || jsonb_build_object(
    'prompt', t.prompt, 'usage', t.usage, 'failure', t.failure,
    'output', coalesce(t.output, (select body from dash.blobs where id = t.output_blob)))
  from dash.tasks t where t.id = p->>'taskId'
$$;

create or replace function dash.read_attempt(p jsonb) returns jsonb
language sql stable as $$
  select dash.attempt_json(a) || jsonb_build_object(
    'sendingForMs', round(extract(epoch from clock_timestamp() - a.sending_at) * 1000),
    'task', jsonb_build_object(
      'state', t.state, 'end', dash.task_end(t), 'seq', t.seq, 'prompt', t.prompt, 'agent', t.agent,
      'sessionKey', t.session_key, 'priority', t.priority, 'swarmId', t.swarm_id, 'workflowId', t.workflow_id,
      'correlationId', t.correlation_id, 'idempotent', t.idempotent, 'cancelRequested', t.cancel_requested,
      'cancelRequestedAt', dash.iso(t.cancel_requested_at), 'deadlineAt', dash.iso(t.deadline_at),
      'deadlineInMs', round(extract(epoch from t.deadline_at - clock_timestamp()) * 1000),
      'runLimitSeconds', t.run_limit_seconds, 'maxAttempts', t.max_attempts,
      'attemptsUsed', dash.attempts_used(t.id), 'createdAt', dash.iso(t.created_at)),
    'budget', dash.attempt_budget(a, t),
    'gateway', jsonb_build_object(
      'kind', g.kind, 'endpoint', g.endpoint, 'state', g.state, 'ownerHost', g.owner_host,
      'ownerEpoch', g.owner_epoch, 'bootId', g.boot_id, 'stateId', g.state_id))
  from dash.attempts a
  join dash.tasks t on t.id = a.task_id
  join dash.gateways g on g.id = a.gateway_id
  where a.id = (p->>'attemptId')::uuid
$$;

create or replace function dash.task_attempts(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.attempt_json(a) order by a.number), '[]')
  from dash.attempts a where a.task_id = p->>'taskId'
$$;

create or replace function dash.planned_attempts(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(
    dash.delivery_json(a, t) || jsonb_build_object(
      'plannedForMs', round(extract(epoch from clock_timestamp() - a.planned_at) * 1000),
      'deliveredAt', dash.iso(a.delivered_at))
    order by a.planned_at, a.id), '[]')
  from dash.attempts a join dash.tasks t on t.id = a.task_id
  where a.open and a.state = 'planned' and a.gateway_id = any(dash.text_array(p->'gatewayIds'))
$$;

create or replace function dash.open_attempts(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(
    dash.attempt_json(a) || jsonb_build_object(
      'workflowId', t.workflow_id, 'taskState', t.state, 'agent', t.agent, 'sessionKey', t.session_key,
      'cancelRequested', t.cancel_requested)
    order by a.planned_at, a.id), '[]')
  from dash.attempts a join dash.tasks t on t.id = a.task_id
  where a.open and a.gateway_id = p->>'gatewayId'
$$;

create or replace function dash.cancel_requests(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'attemptId', a.id, 'taskId', t.id, 'reason', coalesce(t.cancel_requested, 'budget'))), '[]')
  from dash.attempts a join dash.tasks t on t.id = a.task_id
  where a.id = any(dash.text_array(p->'attemptIds')::uuid[]) and a.open
    and (t.cancel_requested is not null or dash.budget_gone(a, t) is not null)
$$;
