-- P31. src/db/swarm-store.ts describes arguments and answers.
create or replace function dash.accept_swarm(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.swarms;
  v_refusal jsonb;
begin
  if p->'idempotency'->>'key' is not null then
    perform dash.lock_key('swarm/' || (p->>'tenant') || '/' || (p->'idempotency'->>'key'));
    select * into s from dash.swarms
    where tenant = p->>'tenant' and idempotency_key = p->'idempotency'->>'key';
    if found and s.request_hash = p->'idempotency'->>'requestHash' then
      return jsonb_build_object('kind', 'existing', 'swarm', dash.swarm_json(s));
    elsif found then
      return jsonb_build_object('kind', 'conflict', 'swarmId', s.id);
    end if;
  end if;
  v_refusal := coalesce(dash.misplaced_node(p), dash.bound_reached(p->>'tenant', null));
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform dash.ensure_tenant(p->>'tenant');
  s := dash.store_swarm(p, dash.next_event());
  return jsonb_build_object('kind', 'accepted', 'swarm', dash.swarm_json(s));
end $$;

-- The refusal of the first of its places that cannot be had, else null. What asks for no place needs none.
create or replace function dash.misplaced_node(p jsonb) returns jsonb
language sql as $$
  select answer.place
  from (
    select min(position) as first, n->'pool' as pool, n->'requirements' as requirements
    from jsonb_array_elements(p->'nodes') with ordinality as x (n, position)
    where n->>'pool' is not null or n->>'requirements' is not null group by 2, 3) asked
  cross join lateral (
    select dash.place(jsonb_build_object(
      'tenant', p->'tenant', 'pool', asked.pool, 'requirements', asked.requirements)) as place) answer
  where answer.place->>'kind' <> 'placed'
  order by asked.first limit 1
$$;

create or replace function dash.store_swarm(p jsonb, p_seq bigint) returns dash.swarms
language plpgsql as $$
declare
  s dash.swarms;
  e dash.events;
begin
  insert into dash.swarms
    (id, seq, tenant, name, spec, state, on_failure, max_parallel, workflow_id, idempotency_key, request_hash,
     correlation_id, schedule_id)
  values
    (p->>'id', p_seq, p->>'tenant', p->>'name', p->'spec', 'running', p->>'onFailure',
     (p->>'maxParallel')::integer, p->>'workflowId', p->'idempotency'->>'key', p->'idempotency'->>'requestHash',
     p->>'correlationId', p->>'scheduleId')
  returning * into s;
  insert into dash.swarm_nodes (swarm_id, node_id, ordinal, depends_on, template, kind)
  select s.id, n->>'nodeId', position::integer, dash.text_array(n->'dependsOn'), n->'template',
    coalesce(n->>'kind', 'task')
  from jsonb_array_elements(p->'nodes') with ordinality as x (n, position);
  if dash.json_value(p->'budget') is not null then
    insert into dash.budgets (name, scope, tenant, limit_usd, limit_tokens, period)
    values ('swarm:' || s.id, 'swarm', s.tenant, (p->'budget'->>'usd')::numeric, (p->'budget'->>'tokens')::bigint,
            'total');
  end if;
  e.type := 'swarm.accepted';
  e.tenant := s.tenant;
  e.swarm_id := s.id;
  e.correlation_id := s.correlation_id;
  e.actor := p->>'actor';
  e.data := jsonb_build_object('name', s.name, 'nodes', jsonb_array_length(p->'nodes'));
  perform dash.write_event(p_seq, e);
  return s;
end $$;

create or replace function dash.admit_swarm_node(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.swarms;
  t dash.tasks;
begin
  perform dash.lock_key('node/' || (p->>'swarmId') || '/' || (p->>'nodeId'));
  select * into s from dash.swarms where id = p->>'swarmId';
  if not found then
    return jsonb_build_object('kind', 'not-found');
  end if;
  select * into t from dash.tasks where swarm_id = s.id and node_id = p->>'nodeId';
  if found then
    return jsonb_build_object('kind', 'existing', 'task', dash.task_summary(t));
  end if;
  return coalesce(
    dash.not_admitting(s.id, p->>'nodeId'),
    dash.insert_task(p || jsonb_build_object('tenant', s.tenant, 'correlationId', s.correlation_id)));
end $$;

-- Why a node cannot be admitted now; null: it can, or the task is no node.
create or replace function dash.not_admitting(p_swarm_id text, p_node_id text) returns jsonb
language sql as $$
  select case
    when n.node_id is null then jsonb_build_object('kind', 'not-found')
    when s.state <> 'running' or s.cancel_requested or n.state <> 'waiting' then
      jsonb_build_object('kind', 'not-admitting', 'swarmState', s.state, 'nodeState', n.state)
  end
  from dash.swarms s left join dash.swarm_nodes n on n.swarm_id = s.id and n.node_id = p_node_id
  where s.id = p_swarm_id
$$;

create or replace function dash.swarm_news(s dash.swarms) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'swarm', dash.swarm_json(s),
    'nodes', (
      select coalesce(jsonb_agg(jsonb_build_object(
        'nodeId', n.node_id, 'ordinal', n.ordinal, 'dependsOn', n.depends_on, 'state', n.state, 'reason', n.reason,
        'kind', n.kind, 'approvalId', n.approval_id,
        'taskId', n.task_id, 'taskState', t.state, 'taskFailure', t.failure) order by n.ordinal), '[]')
      from dash.swarm_nodes n left join dash.tasks t on t.id = n.task_id
      where n.swarm_id = s.id))
$$;

-- The flag first: what settles between the two statements is read by the second, what settles later sets it again.
create or replace function dash.take_swarm_news(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.swarms;
begin
  select * into s from dash.swarms where id = p->>'swarmId' for no key update;
  if s.dirty then
    update dash.swarms set dirty = false where id = s.id returning * into s;
  end if;
  return case when s.id is not null then dash.swarm_news(s) end;
end $$;

create or replace function dash.get_swarm(p jsonb) returns jsonb
language sql stable as $$
  select dash.swarm_news(s) from dash.swarms s where s.id = p->>'swarmId'
$$;

create or replace function dash.list_swarms(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.swarm_json(s) order by s.seq desc), '[]') from (
    select * from dash.swarms s
    where (p->>'tenant' is null or s.tenant = p->>'tenant')
      and (not p ? 'states' or s.state = any(dash.text_array(p->'states')))
      and (p->>'before' is null or s.seq < (p->>'before')::bigint)
    order by s.seq desc limit (p->>'limit')::integer) s
$$;

create or replace function dash.mark_swarm_node(p jsonb) returns jsonb
language plpgsql as $$
declare
  n dash.swarm_nodes;
  s dash.swarms;
begin
  select * into n from dash.swarm_nodes
  where swarm_id = p->>'swarmId' and node_id = p->>'nodeId' for no key update;
  if n.state is distinct from 'waiting' then
    return jsonb_build_object('kind', 'stands', 'state', n.state);
  end if;
  update dash.swarm_nodes set state = p->>'state', reason = p->>'reason'
  where swarm_id = n.swarm_id and node_id = n.node_id;
  select * into s from dash.swarms where id = n.swarm_id;
  perform dash.emit_swarm('swarm.node', s, null, jsonb_build_object(
    'nodeId', n.node_id, 'state', p->'state', 'reason', p->'reason'));
  return jsonb_build_object('kind', 'ok');
end $$;

-- The swarm's row, locked, or why it may not be changed.
create or replace function dash.lock_swarm(p jsonb, out s dash.swarms, out refusal jsonb)
language plpgsql as $$
begin
  select * into s from dash.swarms where id = p->>'swarmId' for no key update;
  if s.id is null then
    refusal := jsonb_build_object('kind', 'not-found');
  elsif s.state not in ('running', 'paused') then
    refusal := jsonb_build_object('kind', 'ended', 'swarm', dash.swarm_json(s));
  end if;
end $$;

create or replace function dash.set_swarm_state(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_swarm(p);
  s dash.swarms := l.s;
begin
  if l.refusal is not null then
    return l.refusal;
  elsif s.state <> p->>'state' then
    update dash.swarms set state = p->>'state' where id = s.id returning * into s;
    perform dash.emit_swarm('swarm.state', s, p->>'actor', jsonb_build_object('state', s.state));
  end if;
  return jsonb_build_object('kind', 'ok', 'swarm', dash.swarm_json(s));
end $$;

create or replace function dash.set_swarm_max_parallel(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_swarm(p);
  s dash.swarms := l.s;
begin
  if l.refusal is not null then
    return l.refusal;
  elsif s.max_parallel <> (p->>'maxParallel')::integer then
    update dash.swarms set max_parallel = (p->>'maxParallel')::integer where id = s.id returning * into s;
    perform dash.emit_swarm('swarm.scaled', s, p->>'actor', jsonb_build_object('maxParallel', s.max_parallel));
  end if;
  return jsonb_build_object('kind', 'ok', 'swarm', dash.swarm_json(s));
end $$;

-- Under the event lock with the write: whatever is admitted later sees it (dash.insert_task looks after that lock).
create or replace function dash.request_swarm_cancel(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_swarm(p);
  s dash.swarms := l.s;
begin
  if l.refusal is not null then
    return l.refusal;
  elsif not s.cancel_requested then
    update dash.swarms set
      cancel_requested = true, dirty = true, dirty_since = case when dirty then dirty_since else now() end
    where id = s.id returning * into s;
    perform dash.emit_swarm('swarm.cancel-requested', s, p->>'actor', '{}');
  end if;
  return jsonb_build_object('kind', 'ok', 'swarm', dash.swarm_json(s));
end $$;

create or replace function dash.finish_swarm(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_swarm(p);
  s dash.swarms := l.s;
begin
  if l.refusal is not null then
    return l.refusal;
  end if;
  update dash.swarms set
    state = p->>'state', state_reason = p->>'reason', dirty = false, finished_at = now()
  where id = s.id returning * into s;
  update dash.swarm_nodes set state = 'skipped', reason = coalesce(reason, 'the swarm ended before')
  where swarm_id = s.id and state = 'waiting';
  perform dash.end_submission(null, s.id);
  perform dash.emit_swarm(
    'swarm.state', s, null, jsonb_build_object('state', s.state, 'reason', s.state_reason));
  return jsonb_build_object('kind', 'ok', 'swarm', dash.swarm_json(s));
end $$;
