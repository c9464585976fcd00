-- What explains where a task stands: facts only, one query per reason; src/domain/why-task.ts puts them into words.
-- Asked for are the facts of the task's state alone, so that a look costs a few index steps, whatever else is open.

-- When it was (or will be, then negative) and how long ago by the database's clock.
create or replace function dash.why_moment(p timestamptz) returns jsonb
language sql stable strict as $$
  select jsonb_build_object(
    'at', dash.iso(p), 'agoMs', round(extract(epoch from clock_timestamp() - p) * 1000))
$$;

create or replace function dash.why_task(p jsonb) returns jsonb
language sql stable as $$
  select dash.why_task_facts(t) || jsonb_build_object(
    'inFront', case when t.state = 'waiting' then dash.why_in_front(t) end)
  from dash.tasks t where t.id = p->>'taskId'
$$;

create or replace function dash.why_task_facts(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'task', dash.why_task_row(t),
    'swarm', case when t.state = 'held' then dash.why_swarm_of(t.swarm_id) end,
    'approval', case when t.state = 'held' and t.state_reason = 'approval' then dash.why_approval(t.approval_id) end,
    'attempt', case when t.state in ('backoff', 'dispatched', 'deciding') then dash.why_last_attempt(t) end,
    'quarantine', case when t.state = 'blocked' and t.state_reason = 'quarantine' then dash.why_quarantine(t) end,
    'budget', case when t.state = 'blocked' and t.state_reason = 'budget' then dash.why_budget(t) end,
    'conflict', case when t.state = 'blocked' then dash.why_conflict(t) end,
    'queue', case when t.state = 'queued' then dash.why_queue(t) end,
    'deadLetter', case when t.state = 'dead' then dash.why_dead_letter(t.id) end)
$$;

create or replace function dash.why_task_row(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', t.id, 'tenant', t.tenant, 'pool', t.pool, 'sessionKey', t.session_key, 'state', t.state,
    'stateReason', t.state_reason, 'priority', t.priority, 'effectivePriority', t.effective_priority,
    'swarmId', t.swarm_id, 'since', dash.why_moment(t.updated_at), 'accepted', dash.why_moment(t.created_at),
    'due', dash.why_moment(t.due_at), 'queueExpires', dash.why_moment(t.queue_expires_at),
    'deadline', dash.why_moment(t.deadline_at), 'runLimitSeconds', t.run_limit_seconds,
    'maxAttempts', t.max_attempts, 'attemptsUsed', dash.attempts_used(t.id),
    'cancelRequested', t.cancel_requested, 'cancelRequestedAt', dash.why_moment(t.cancel_requested_at),
    'finished', dash.why_moment(t.finished_at), 'failureMessage', t.failure->>'message')
$$;

-- The head of its session, with the facts of that task, and how many stand between.
create or replace function dash.why_in_front(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'count', (select count(*) from (
      select 1 from dash.tasks x where x.session_id = t.session_id and x.open and x.seq < t.seq limit 1001) ahead),
    'head', dash.why_task_facts(h))
  from dash.tasks h where h.session_id = t.session_id and h.open and h.seq < t.seq
  order by h.seq limit 1
$$;

create or replace function dash.why_swarm_of(p_swarm_id text) returns jsonb
language sql stable as $$
  select jsonb_build_object('id', s.id, 'name', s.name, 'state', s.state, 'reason', s.state_reason)
  from dash.swarms s where s.id = p_swarm_id
$$;

create or replace function dash.why_last_attempt(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', a.id, 'number', a.number, 'state', a.state, 'runId', coalesce(
      a.recovery_run_ids[cardinality(a.recovery_run_ids)], a.run_ids[cardinality(a.run_ids)]),
    'planned', dash.why_moment(a.planned_at), 'delivered', dash.why_moment(a.delivered_at),
    'sending', dash.why_moment(a.sending_at), 'accepted', dash.why_moment(a.accepted_at),
    'indeterminate', dash.why_moment(a.indeterminate_at), 'closed', dash.why_moment(a.closed_at),
    'ends', dash.why_moment(least(a.accepted_at + make_interval(secs => t.run_limit_seconds), t.deadline_at)),
    'outcome', a.outcome, 'failure', a.failure, 'indeterminateReason', a.indeterminate_reason,
    'evidence', a.evidence, 'decision', a.decision, 'decidedBy', a.decided_by, 'decided', dash.why_moment(a.decided_at),
    'gateway', dash.why_gateway_row(g))
  from dash.attempts a join dash.gateways g on g.id = a.gateway_id
  where a.task_id = t.id and a.number = t.last_attempt
$$;

-- The open attempt that stands in the way of another claim (P13).
create or replace function dash.why_conflict(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object('attemptId', a.id, 'taskId', a.task_id, 'gatewayId', a.gateway_id, 'state', a.state)
  from dash.attempts a
  where a.open and (a.task_id = t.id or a.session_id = t.session_id)
  order by a.planned_at limit 1
$$;

create or replace function dash.why_dead_letter(p_task_id text) returns jsonb
language sql stable as $$
  select jsonb_build_object('state', d.state, 'replayTaskId', d.replay_task_id)
  from dash.dead_letters d where d.task_id = p_task_id
$$;

create or replace function dash.why_approval(p_approval_id text) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', a.id, 'prompt', a.prompt, 'approvers', dash.approvers_of(a), 'requested', dash.why_moment(a.created_at),
    'expires', dash.why_moment(a.expires_at))
  from dash.approvals a where a.id = p_approval_id
$$;

create or replace function dash.why_quarantine(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'since', dash.why_moment(s.quarantined_at), 'reason', s.quarantine_reason, 'by', s.quarantined_by)
  from dash.sessions s where s.id = t.session_id
$$;

-- The budget without room for it, with figures where it is one of the task's tenant: others see only its name.
create or replace function dash.why_budget(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'name', t.blocked_on,
    'wants', jsonb_build_object('usd', l.usd, 'tokens', l.tokens),
    'figures', case when b.tenant = t.tenant then dash.budget_figures(b) end,
    'periodEnds', dash.why_moment(dash.period_end(b)))
  from dash.task_remainder(t) l
    left join (dash.budgets x cross join lateral dash.rolled(x) b) on x.name = t.blocked_on
$$;
