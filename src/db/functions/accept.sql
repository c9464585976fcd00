-- P7: idempotency, then bounds, then insert. src/db/accept.ts describes argument and answer.
create or replace function dash.accept(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_task dash.tasks;
begin
  if p->'idempotency'->>'key' is not null then
    perform dash.lock_key('task/' || (p->>'tenant') || '/' || (p->'idempotency'->>'key'));
    select * into v_task from dash.tasks
    where tenant = p->>'tenant' and idempotency_key = p->'idempotency'->>'key';
    if found and v_task.request_hash = p->'idempotency'->>'requestHash' then
      return jsonb_build_object('kind', 'existing', 'task', dash.task_summary(v_task));
    elsif found then
      return jsonb_build_object('kind', 'conflict', 'taskId', v_task.id);
    end if;
  end if;
  return dash.insert_task(p);
end $$;

-- The common part of accept, of the admission of a swarm's node, and of a replay. The caller holds what makes the
-- request unique.
create or replace function dash.insert_task(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_session dash.sessions;
  v_task dash.tasks;
  v_place jsonb;
  v_refusal jsonb;
begin
  v_place := dash.place(p);
  if v_place->>'kind' <> 'placed' then
    return v_place;
  end if;
  p := p || jsonb_build_object('pool', v_place->'pool');
  v_refusal := dash.bound_reached(p->>'tenant', p->>'pool');
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform dash.ensure_tenant(p->>'tenant');
  if p->>'sessionKey' is not null then
    v_session := dash.lock_session(p->>'tenant', p->>'sessionKey');
  end if;
  if p->>'swarmId' is not null then
    perform 1 from dash.swarm_nodes
    where swarm_id = p->>'swarmId' and node_id = p->>'nodeId' for no key update;
  end if;
  perform dash.lock_count(p->>'tenant', p->>'pool', (p->>'priority')::smallint);
  v_task := dash.new_task(p, v_session, dash.next_event());
  -- Now that no other accept can commit in between, the bound and the swarm's state are exact.
  v_refusal := coalesce(
    dash.bound_reached(p->>'tenant', p->>'pool'), dash.not_admitting(p->>'swarmId', p->>'nodeId'));
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform dash.store_task(v_task);
  perform dash.after_insert(v_task, p->>'actor');
  perform dash.request_task_approval(v_task, p);
  return jsonb_build_object('kind', 'accepted', 'task', dash.task_summary(v_task));
end $$;

-- The row of a new task: behind another of its session it waits, before its time it is scheduled, else it may be
-- claimed, in a session only by the gateway that has the session.
create or replace function dash.new_task(p jsonb, p_session dash.sessions, p_seq bigint) returns dash.tasks
language plpgsql as $$
declare
  t dash.tasks;
begin
  t.id := p->>'id';
  t.seq := p_seq;
  t.tenant := p->>'tenant';
  t.pool := p->>'pool';
  t.requirements := dash.json_value(p->'requirements');
  t.session_id := p_session.id;
  t.session_key := p_session.key;
  t.agent := p->>'agent';
  t.prompt := p->>'prompt';
  t.priority := (p->>'priority')::smallint;
  t.effective_priority := t.priority;
  t.due_at := (p->>'notBefore')::timestamptz;
  t.state := case
    when t.due_at > now() then 'scheduled'
    when p_session.quarantined_at is not null then 'waiting'
    when exists (select 1 from dash.tasks where session_id = p_session.id and open) then 'waiting'
    else 'queued'
  end;
  if t.state <> 'scheduled' then
    t.due_at := null;
  end if;
  if t.state = 'queued' then
    t.pinned_gateway := p_session.gateway_id;
  end if;
  t.queue_expires_at := now() + make_interval(secs => (p->>'queueLimitSeconds')::integer);
  t.deadline_at := (p->>'deadlineAt')::timestamptz;
  t.run_limit_seconds := (p->>'runLimitSeconds')::integer;
  t.max_attempts := (p->>'maxAttempts')::integer;
  t.idempotent := (p->>'idempotent')::boolean;
  t.idempotency_key := p->'idempotency'->>'key';
  t.request_hash := p->'idempotency'->>'requestHash';
  t.swarm_id := p->>'swarmId';
  t.node_id := p->>'nodeId';
  t.replay_of := p->>'replayOf';
  t.schedule_id := p->>'scheduleId';
  t.workflow_id := p->>'workflowId';
  t.last_attempt := 0;
  t.budget_usd := (p->'budget'->>'usd')::numeric;
  t.budget_tokens := (p->'budget'->>'tokens')::bigint;
  t.spent_usd := 0;
  t.spent_tokens := 0;
  t.correlation_id := p->>'correlationId';
  t.created_at := now();
  t.updated_at := now();
  return dash.gate_task(t, p->'approval');
end $$;

create or replace function dash.store_task(t dash.tasks) returns void
language sql as $$
  insert into dash.tasks
    (id, seq, tenant, pool, session_id, session_key, agent, prompt, priority, effective_priority, state, due_at,
     queue_expires_at, deadline_at, run_limit_seconds, max_attempts, idempotent, pinned_gateway, idempotency_key,
     request_hash, swarm_id, node_id, replay_of, workflow_id, correlation_id, created_at, updated_at,
     state_reason, approval_id, schedule_id, budget_usd, budget_tokens, requirements)
  values
    (t.id, t.seq, t.tenant, t.pool, t.session_id, t.session_key, t.agent, t.prompt, t.priority, t.effective_priority,
     t.state, t.due_at, t.queue_expires_at, t.deadline_at, t.run_limit_seconds, t.max_attempts, t.idempotent,
     t.pinned_gateway, t.idempotency_key, t.request_hash, t.swarm_id, t.node_id, t.replay_of, t.workflow_id,
     t.correlation_id, t.created_at, t.updated_at,
     t.state_reason, t.approval_id, t.schedule_id, t.budget_usd, t.budget_tokens, t.requirements)
$$;

create or replace function dash.after_insert(t dash.tasks, p_actor text) returns void
language plpgsql as $$
begin
  update dash.task_counts set open = open + 1
  where tenant = t.tenant and pool = t.pool and priority = t.priority;
  if t.swarm_id is not null then
    update dash.swarm_nodes set state = 'admitted', task_id = t.id
    where swarm_id = t.swarm_id and node_id = t.node_id;
  end if;
  perform dash.write_event(t.seq, dash.task_event(
    'task.accepted', t, null, null, p_actor,
    jsonb_strip_nulls(jsonb_build_object(
      'state', t.state, 'pool', t.pool, 'priority', t.priority, 'nodeId', t.node_id, 'replayOf', t.replay_of))));
  if t.state = 'waiting' then
    perform dash.refresh_session(t.session_id);
  elsif t.state = 'queued' then
    perform dash.hint_work();
  end if;
end $$;

-- The refusal when as many tasks are open as the installation, the tenant or the pool may have, else null. A pool of
-- null: only the others are asked.
create or replace function dash.bound_reached(p_tenant text, p_pool text) returns jsonb
language sql as $$
  select jsonb_build_object('kind', 'refused', 'bound', b.bound, 'limit', b.most, 'retryAfterSeconds', 5)
  from dash.installation i
  left join dash.tenants t on t.id = p_tenant
  cross join lateral (
    select sum(open) as total, sum(open) filter (where tenant = p_tenant) as of_tenant,
      sum(open) filter (where pool = p_pool) as of_pool
    from dash.task_counts) c
  cross join lateral (values
    (1, 'max-open-tasks', i.max_open_tasks, c.total),
    (2, 'max-open-tasks-per-tenant', coalesce(t.max_open_tasks, i.max_open_tasks_per_tenant), c.of_tenant),
    (3, 'max-open-tasks-per-pool', i.max_open_tasks_per_pool, c.of_pool)
  ) as b (place, bound, most, open)
  where b.open >= b.most
  order by b.place limit 1
$$;

create or replace function dash.ensure_tenant(p_tenant text) returns void
language plpgsql as $$
begin
  if not exists (select 1 from dash.tenants where id = p_tenant) then
    insert into dash.tenants (id) values (p_tenant) on conflict do nothing;
  end if;
end $$;

create or replace function dash.lock_count(p_tenant text, p_pool text, p_priority smallint) returns void
language plpgsql as $$
begin
  loop
    perform 1 from dash.task_counts
    where tenant = p_tenant and pool = p_pool and priority = p_priority for no key update;
    exit when found;
    insert into dash.task_counts (tenant, pool, priority) values (p_tenant, p_pool, p_priority)
    on conflict do nothing;
  end loop;
end $$;
