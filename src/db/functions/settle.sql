-- P6: the one way into a terminal state. src/db/settle.ts describes argument and answer.
create or replace function dash.settle(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_attempt dash.attempts;
  v_task dash.tasks;
  v_gateway dash.gateways;
  l record;
begin
  if p->>'attemptId' is not null then
    l := dash.lock_attempt((p->>'attemptId')::uuid);
    v_attempt := l.attempt;
    v_task := l.task;
    v_gateway := l.gateway;
  end if;
  if v_task.id is null then
    v_task := dash.lock_task(p->>'taskId');
  end if;
  if v_task.id is distinct from p->>'taskId' then
    raise exception 'no task % with attempt %: nothing can be settled', p->>'taskId', p->>'attemptId';
  end if;
  if not v_task.open then
    return dash.task_stands('terminal', v_task);
  end if;
  if dash.is_superseded((p->>'ownerEpoch')::bigint, v_gateway) then
    return dash.task_stands('superseded-owner', v_task);
  end if;
  if not dash.may_settle(v_task, v_attempt, p->>'attemptOutcome') then
    return dash.task_stands('not-current-attempt', v_task);
  end if;
  if v_attempt.open then
    perform dash.count_runs(v_attempt.id, p->'runs');
    perform dash.end_attempt(
      v_attempt, p->>'attemptOutcome', dash.json_value(coalesce(p->'attemptFailure', p->'end'->'failure'->'lastFailure')),
      dash.json_value(p->'end'->'usage'), null);
  end if;
  -- P28: what somebody wanted ended is no dead letter because its last attempt failed meanwhile.
  return dash.settle_locked(
    v_task,
    coalesce(
      case when p->'end'->'failure'->>'reason' in ('attempts', 'permanent') then dash.end_by(v_task.cancel_requested) end,
      p->'end'),
    v_attempt, p->>'actor');
end $$;

-- JSON null is SQL null.
create or replace function dash.json_value(p jsonb) returns jsonb
language sql immutable as $$
  select nullif(p, 'null')
$$;

-- A task ends with its last attempt, which is closed or is closed now; or with none at all under way.
create or replace function dash.may_settle(t dash.tasks, a dash.attempts, p_outcome text) returns boolean
language sql stable as $$
  select case
    when a.id is null then not exists (select 1 from dash.attempts where task_id = t.id and open)
    else a.number = t.last_attempt and (not a.open or p_outcome is not null)
  end
$$;

create or replace function dash.task_stands(p_because text, t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'kind', 'stands', 'because', p_because, 'state', t.state, 'end', dash.task_end(t), 'swarmId', t.swarm_id,
    'swarmBecameDirty', coalesce((select dirty and state in ('running', 'paused')
                                  from dash.swarms where id = t.swarm_id), false))
$$;

-- Closes or releases an open attempt and gives its lane back. Attempt and task are locked.
create or replace function dash.end_attempt(
  a dash.attempts, p_outcome text, p_failure jsonb, p_usage jsonb, p_evidence jsonb
) returns void
language plpgsql as $$
begin
  update dash.attempts set
    state = 'closed', outcome = p_outcome, holds_lane = false, closed_at = now(),
    failure = case when p_outcome = 'failed' then p_failure end,
    usage = coalesce(p_usage, usage),
    evidence = coalesce(p_evidence, evidence)
  where id = a.id;
  perform dash.return_reservation(a.id);
  perform dash.count_at_gateway(a, p_outcome, p_failure, p_usage);
  perform dash.count_attempt(p_outcome, case when p_outcome = 'failed' then p_failure->>'class' end);
end $$;

create or replace function dash.count_attempt(p_outcome text, p_class text) returns void
language sql as $$
  insert into dash.attempt_counts as c (outcome, failure_class, count) values (p_outcome, coalesce(p_class, ''), 1)
  on conflict (outcome, failure_class) do update set count = c.count + 1
$$;

-- What settle does once everything is locked and checked; `a` is null or ended. Emits, so it comes last.
create or replace function dash.settle_locked(
  t dash.tasks, p_end jsonb, a dash.attempts, p_actor text
) returns jsonb
language plpgsql as $$
declare
  v_became_dirty boolean := false;
begin
  t := dash.write_end(t, p_end);
  if t.state = 'dead' then
    insert into dash.dead_letters (task_id, reason) values (t.id, t.state_reason);
  end if;
  if t.swarm_id is not null then
    v_became_dirty := dash.tell_swarm(t);
  end if;
  perform dash.end_submission(t.id, null);
  update dash.task_counts set
    open = open - 1,
    completed = completed + (t.state = 'completed')::integer,
    cancelled = cancelled + (t.state = 'cancelled')::integer,
    expired = expired + (t.state = 'expired')::integer,
    dead = dead + (t.state = 'dead')::integer
  where tenant = t.tenant and pool = t.pool and priority = t.priority;
  perform dash.emit_task(
    'task.' || t.state, t, a.id, a.gateway_id, p_actor,
    jsonb_strip_nulls(jsonb_build_object(
      'reason', t.state_reason, 'attempts', t.last_attempt, 'usage', t.usage, 'spent', dash.spent_json(t))));
  perform dash.tell_budgets(dash.budget_names(t));
  if t.approval_id is not null then
    perform dash.withdraw_approval(t, p_actor);
  end if;
  if t.session_id is not null then
    perform dash.count_deaths(t);
    perform dash.refresh_session(t.session_id);
  end if;
  return jsonb_build_object(
    'kind', 'settled', 'state', t.state, 'end', dash.task_end(t), 'swarmId', t.swarm_id,
    'swarmBecameDirty', v_became_dirty);
end $$;

-- Outputs up to 64 KiB stand in the row.
create or replace function dash.write_end(t dash.tasks, p_end jsonb) returns dash.tasks
language plpgsql as $$
declare
  v_output text := p_end->>'output';
  v_blob bigint;
begin
  if octet_length(v_output) > 65536 then
    insert into dash.blobs (body) values (v_output) returning id into v_blob;
    v_output := null;
  end if;
  update dash.tasks set
    state = p_end->>'state',
    state_reason = p_end->'failure'->>'reason',
    output = v_output,
    output_blob = v_blob,
    usage = dash.json_value(p_end->'usage'),
    failure = dash.json_value(p_end->'failure'),
    due_at = null,
    finished_at = now(),
    updated_at = now()
  where id = t.id returning * into t;
  return t;
end $$;

-- P31: the node's end is news; true when the swarm had none before.
create or replace function dash.tell_swarm(t dash.tasks) returns boolean
language plpgsql as $$
declare
  v_was_dirty boolean;
begin
  select dirty into v_was_dirty from dash.swarms where id = t.swarm_id for no key update;
  if not v_was_dirty then
    update dash.swarms set dirty = true, dirty_since = now() where id = t.swarm_id;
  end if;
  update dash.swarm_nodes set
    state = case when t.state = 'completed' then 'completed' else 'failed' end,
    reason = case when t.state <> 'completed' then coalesce(t.failure->>'message', t.state) end
  where task_id = t.id;
  return not v_was_dirty;
end $$;
