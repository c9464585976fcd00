-- The ways back into the queue, and out of it (P8, P18, P20, P28). src/db/retry-queue.ts, cancel.ts, due.ts.

create or replace function dash.failed_end(p_state text, p_reason text, p_message text) returns jsonb
language sql immutable as $$
  select jsonb_build_object(
    'state', p_state, 'output', null, 'usage', null,
    'failure', jsonb_build_object('reason', p_reason, 'message', p_message, 'lastFailure', null))
$$;

-- How a task ends that is not to run (again); null: nothing speaks against it.
create or replace function dash.early_end(t dash.tasks) returns jsonb
language sql stable as $$
  select case
    when t.cancel_requested is not null then dash.end_by(t.cancel_requested)
    when t.deadline_at <= now() then dash.end_by('expired')
    when dash.is_spent(t) then dash.spent_end(t)
  end
$$;

create or replace function dash.end_by(p_reason text) returns jsonb
language sql immutable as $$
  select case p_reason
    when 'cancelled' then dash.failed_end('cancelled', 'cancelled', 'The task was cancelled on request.')
    when 'expired' then dash.failed_end('expired', 'expired', 'The time that the task had was over.')
    when 'budget' then dash.failed_end('dead', 'budget', 'The budget of the task was spent.')
  end
$$;

-- Back in the queue with its old seq, or held while its swarm is paused, or settled. Everything is locked, `a` (the
-- last attempt; null: it was never bound to one) is ended. The limit of its time in the queue stands until it has run.
-- P27: after an attempt that the gateway may have accepted only that gateway gets the task, unless it is idempotent. A
-- session's pin is the session's.
create or replace function dash.to_queue(t dash.tasks, a dash.attempts, p_actor text) returns jsonb
language plpgsql as $$
declare
  v_end jsonb := dash.early_end(t);
  v_ran boolean := coalesce(a.run_ids <> '{}' and a.state <> 'released', false);
begin
  if v_end is not null then
    return dash.settle_locked(t, v_end, a, p_actor);
  end if;
  update dash.tasks set
    state = case when dash.is_paused(t.swarm_id) then 'held' else 'queued' end,
    state_reason = null, due_at = null, updated_at = now(),
    queue_expires_at = case when not v_ran then queue_expires_at end,
    pinned_gateway = case
      when t.session_id is not null then (select gateway_id from dash.sessions where id = t.session_id)
      when v_ran and not t.idempotent then a.gateway_id
      else pinned_gateway end
  where id = t.id returning * into t;
  perform dash.emit_task('task.' || t.state, t, p_actor => p_actor);
  if t.session_id is not null then
    perform dash.refresh_session(t.session_id);
  end if;
  if t.state = 'queued' then
    perform dash.hint_work();
  end if;
  return jsonb_build_object('kind', 'queued', 'state', t.state);
end $$;

create or replace function dash.is_paused(p_swarm_id text) returns boolean
language sql stable as $$
  select exists (select 1 from dash.swarms where id = p_swarm_id and state = 'paused')
$$;

-- The last attempt of a task, when it is the one that the caller speaks of; a null row otherwise.
create or replace function dash.last_attempt(t dash.tasks, p_attempt_id uuid) returns dash.attempts
language sql stable as $$
  select a from dash.attempts a where a.id = p_attempt_id and a.task_id = t.id and a.number = t.last_attempt
$$;

-- What a workflow is told whose task is not where it thought: under way again, or what stands.
create or replace function dash.elsewhere(t dash.tasks) returns jsonb
language sql stable as $$
  select coalesce(
    (select jsonb_build_object('kind', 'dispatched', 'attemptId', a.id, 'gatewayId', a.gateway_id)
     from dash.attempts a where a.task_id = t.id and a.open and t.state = 'dispatched'),
    jsonb_build_object('kind', 'stands', 'state', t.state, 'end', dash.task_end(t)))
$$;

create or replace function dash.back_off(p jsonb) returns jsonb
language plpgsql as $$
declare
  t dash.tasks := dash.lock_task(p->>'taskId');
  a dash.attempts := dash.last_attempt(t, (p->>'attemptId')::uuid);
begin
  if t.state = 'backoff' and a.id is not null then
    return jsonb_build_object('kind', 'backoff', 'dueAt', dash.iso(t.due_at));
  elsif t.state is distinct from 'dispatched' or a.state is distinct from 'closed' then
    return dash.elsewhere(t);
  elsif dash.early_end(t) is not null then
    return dash.settle_locked(t, dash.early_end(t), a, null);
  end if;
  update dash.tasks set
    state = 'backoff', due_at = now() + make_interval(secs => (p->>'delayMs')::double precision / 1000),
    queue_expires_at = null, updated_at = now()
  where id = t.id returning * into t;
  perform dash.emit_attempt(
    'task.backoff', t, a, p_data => jsonb_build_object('dueAt', dash.iso(t.due_at), 'failure', p->'failure'));
  return jsonb_build_object('kind', 'backoff', 'dueAt', dash.iso(t.due_at));
end $$;

-- Where a task stands for the process that carries it: src/domain/task-step.ts. Null: there is no such task.
create or replace function dash.task_step(p jsonb) returns jsonb
language sql stable as $$
  select case
    when not t.open then jsonb_build_object('kind', 'settled', 'state', t.state)
    when t.state = 'dispatched'
      then jsonb_build_object('kind', 'dispatched', 'attemptId', a.id, 'gatewayId', a.gateway_id)
    when t.state = 'deciding' then jsonb_build_object(
      'kind', 'deciding', 'attemptId', a.id, 'gatewayId', a.gateway_id, 'discard', t.cancel_requested is not null)
    when t.state = 'backoff' then jsonb_build_object(
      'kind', 'backing-off', 'attemptId', a.id,
      'forMs', greatest(1, ceil(extract(epoch from t.due_at - clock_timestamp()) * 1000)))
    else '{"kind": "waits"}'
  end
  from dash.tasks t left join dash.attempts a on a.task_id = t.id and a.number = t.last_attempt
  where t.id = p->>'taskId'
$$;

create or replace function dash.requeue(p jsonb) returns jsonb
language plpgsql as $$
declare
  t dash.tasks := dash.lock_task(p->>'taskId');
  a dash.attempts := dash.last_attempt(t, (p->>'attemptId')::uuid);
begin
  if a.id is not null and t.state in ('queued', 'held') then
    return jsonb_build_object('kind', 'queued', 'state', t.state);
  elsif a.state is distinct from 'closed' or t.state not in ('backoff', 'dispatched') then
    return dash.elsewhere(t);
  end if;
  return dash.to_queue(t, a, null);
end $$;

-- P28: a waiting task ends here, one with an open attempt is marked; the first reason stands.
create or replace function dash.request_cancel(p jsonb) returns jsonb
language plpgsql as $$
declare
  t dash.tasks := dash.lock_task(p->>'taskId');
  a dash.attempts;
begin
  if t.id is null then
    return jsonb_build_object('kind', 'not-found');
  elsif not t.open then
    return jsonb_build_object('kind', 'terminal', 'state', t.state);
  end if;
  if t.state not in ('dispatched', 'deciding')
     and not exists (select 1 from dash.attempts where task_id = t.id and open) then
    select * into a from dash.attempts where task_id = t.id and number = t.last_attempt;
    return dash.settle_locked(t, dash.end_by(p->>'reason'), a, p->>'actor')
      || jsonb_build_object('workflowId', case when t.last_attempt > 0 then t.workflow_id end);
  end if;
  select * into a from dash.attempts where task_id = t.id and open;
  if t.cancel_requested is null then
    update dash.tasks set
      cancel_requested = p->>'reason', cancel_requested_at = now(), updated_at = now()
    where id = t.id returning * into t;
    perform dash.emit_task(
      'task.cancel-requested', t, a.id, a.gateway_id, p->>'actor', jsonb_build_object('reason', p->>'reason'));
  end if;
  perform pg_notify('dash_cancel', coalesce(a.id::text, t.id));
  return jsonb_build_object(
    'kind', 'requested', 'reason', t.cancel_requested, 'attemptId', a.id, 'workflowId', t.workflow_id,
    'gatewayId', a.gateway_id);
end $$;

-- P8: one step of what time demands; src/db/due.ts repeats it. Under the claim lock, so that no claim takes what
-- expires here.
create or replace function dash.promote_due(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_promoted integer;
begin
  perform dash.lock_claims();
  v_promoted := dash.promote_scheduled((p->>'limit')::integer);
  if v_promoted > 0 then
    return jsonb_build_object('promoted', v_promoted, 'expired', 0, 'dirtySwarmId', null, 'workflowId', null);
  end if;
  return coalesce(
    dash.promote_in_session(), dash.expire_next(), dash.expire_approval(), dash.expire_decision(),
    jsonb_build_object('promoted', 0, 'expired', 0, 'dirtySwarmId', null, 'workflowId', null));
end $$;

-- Those without a session: many in one transaction, locked by id.
create or replace function dash.promote_scheduled(p_limit integer) returns integer
language plpgsql as $$
declare
  t dash.tasks;
  v_ids text[];
begin
  v_ids := array(
    select id from dash.tasks where state = 'scheduled' and due_at <= now() and session_id is null
    order by due_at limit p_limit);
  perform 1 from dash.tasks where id = any(v_ids) order by id for no key update;
  update dash.tasks set state = 'queued', due_at = null, updated_at = now()
  where id = any(v_ids) and state = 'scheduled';
  v_ids := array(select id from dash.tasks where id = any(v_ids) and state = 'queued');
  for t in select * from dash.tasks where id = any(v_ids) order by seq loop
    perform dash.emit_task('task.queued', t);
  end loop;
  if cardinality(v_ids) > 0 then
    perform dash.hint_work();
  end if;
  return cardinality(v_ids);
end $$;

-- One within a session: it waits from now on, unless it is the head.
create or replace function dash.promote_in_session() returns jsonb
language plpgsql as $$
declare
  t dash.tasks;
  v_id text;
begin
  select id into v_id from dash.tasks
  where state = 'scheduled' and due_at <= now() and session_id is not null order by due_at limit 1;
  t := dash.lock_task(v_id);
  if t.state is distinct from 'scheduled' then
    return null;
  end if;
  update dash.tasks set state = 'waiting', due_at = null, updated_at = now() where id = t.id returning * into t;
  perform dash.emit_task('task.waiting', t);
  perform dash.refresh_session(t.session_id);
  return jsonb_build_object('promoted', 1, 'expired', 0, 'dirtySwarmId', null, 'workflowId', null);
end $$;

create or replace function dash.expire_next() returns jsonb
language plpgsql as $$
declare
  t dash.tasks;
  v_id text;
  v_settled jsonb;
begin
  select id into v_id from dash.tasks
  where state in ('held', 'scheduled', 'waiting', 'blocked', 'queued', 'backoff')
    and (queue_expires_at is not null or deadline_at is not null)
    and least(queue_expires_at, deadline_at) <= now()
    -- Whatever stands in its way (P13) is cleared first.
    and state_reason is distinct from 'conflict'
  order by least(queue_expires_at, deadline_at) limit 1;
  t := dash.lock_task(v_id);
  if t.state is null or t.state not in ('held', 'scheduled', 'waiting', 'blocked', 'queued', 'backoff')
     or least(t.queue_expires_at, t.deadline_at) > now() is not false or t.state_reason = 'conflict' then
    return null;
  end if;
  v_settled := dash.settle_locked(t, dash.end_by('expired'), null, null);
  return jsonb_build_object(
    'promoted', 0, 'expired', 1,
    'dirtySwarmId', case when (v_settled->>'swarmBecameDirty')::boolean then t.swarm_id end,
    'workflowId', case when t.last_attempt > 0 then t.workflow_id end);
end $$;

create or replace function dash.next_due(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object('dueAt', dash.iso(least(
    (select due_at from dash.tasks where state = 'scheduled' order by due_at limit 1),
    (select expires_at from dash.approvals where state = 'open' and expires_at is not null
     order by expires_at limit 1),
    (select least(queue_expires_at, deadline_at) from dash.tasks
     where state in ('held', 'scheduled', 'waiting', 'blocked', 'queued', 'backoff')
       and (queue_expires_at is not null or deadline_at is not null) and state_reason is distinct from 'conflict'
     order by least(queue_expires_at, deadline_at) limit 1),
    dash.next_decision_expiry())))
$$;

-- A paused swarm's waiting task, and back. One task each, because of its session.
create or replace function dash.hold_task(p jsonb) returns jsonb
language plpgsql as $$
declare
  t dash.tasks := dash.lock_task(p->>'taskId');
begin
  if t.state not in ('queued', 'waiting', 'scheduled') or not dash.is_paused(t.swarm_id) then
    return '{"moved": false}';
  end if;
  update dash.tasks set state = 'held', updated_at = now() where id = t.id returning * into t;
  perform dash.emit_task('task.held', t);
  if t.session_id is not null then
    perform dash.refresh_session(t.session_id);
  end if;
  return '{"moved": true}';
end $$;

create or replace function dash.unhold_task(p jsonb) returns jsonb
language plpgsql as $$
declare
  t dash.tasks := dash.lock_task(p->>'taskId');
begin
  if t.state is distinct from 'held' or dash.is_paused(t.swarm_id) or t.state_reason is not distinct from 'approval' then
    return '{"moved": false}';
  end if;
  perform dash.release_held(t, null);
  return '{"moved": true}';
end $$;
