-- src/db/installation-store.ts and api-key-store.ts.
create or replace function dash.read_installation(p jsonb) returns jsonb
language sql stable as $$
  select dash.limits_json(i) || jsonb_build_object(
    'id', i.id, 'stream', i.stream, 'fleetPaused', i.fleet_paused, 'pausedAt', dash.iso(i.paused_at),
    'pausedBy', i.paused_by, 'pauseReason', i.pause_reason, 'createdAt', dash.iso(i.created_at))
  from dash.installation i
$$;

create or replace function dash.limits_json(i dash.installation) returns jsonb
language sql immutable as $$
  select jsonb_build_object(
    'maxOpenTasks', i.max_open_tasks, 'maxOpenTasksPerTenant', i.max_open_tasks_per_tenant,
    'maxOpenTasksPerPool', i.max_open_tasks_per_pool, 'maxRunningTotal', i.max_running_total,
    'maxRunningPerTenant', i.max_running_per_tenant, 'ageingSeconds', i.ageing_seconds)
$$;

-- P9: a claim that has begun ends first, a later one sees the pause.
create or replace function dash.set_fleet_paused(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_paused boolean := (p->>'paused')::boolean;
begin
  perform dash.lock_claims();
  update dash.installation set
    fleet_paused = v_paused, paused_at = case when v_paused then now() end,
    paused_by = case when v_paused then p->>'actor' end, pause_reason = case when v_paused then p->>'reason' end
  where fleet_paused <> v_paused;
  if found then
    perform dash.emit_fleet(
      case when v_paused then 'fleet.paused' else 'fleet.resumed' end, null, p->>'actor',
      jsonb_strip_nulls(jsonb_build_object('reason', p->'reason')));
    perform dash.hint_work();
  end if;
  return dash.read_installation('{}');
end $$;

-- A key that is absent leaves the column, null takes the bound away.
create or replace function dash.set_limits(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_before jsonb;
  i dash.installation;
begin
  perform dash.lock_claims();
  select dash.limits_json(x) into v_before from dash.installation x;
  update dash.installation set
    max_open_tasks = coalesce((p->>'maxOpenTasks')::integer, max_open_tasks),
    max_open_tasks_per_tenant =
      case when p ? 'maxOpenTasksPerTenant' then (p->>'maxOpenTasksPerTenant')::integer else max_open_tasks_per_tenant end,
    max_open_tasks_per_pool =
      case when p ? 'maxOpenTasksPerPool' then (p->>'maxOpenTasksPerPool')::integer else max_open_tasks_per_pool end,
    max_running_total =
      case when p ? 'maxRunningTotal' then (p->>'maxRunningTotal')::integer else max_running_total end,
    max_running_per_tenant =
      case when p ? 'maxRunningPerTenant' then (p->>'maxRunningPerTenant')::integer else max_running_per_tenant end,
    ageing_seconds = coalesce((p->>'ageingSeconds')::integer, ageing_seconds)
  returning * into i;
  if dash.limits_json(i) <> v_before then
    perform dash.emit_fleet('fleet.limits', null, p->>'actor', dash.limits_json(i));
    perform dash.hint_work();
  end if;
  return dash.read_installation('{}');
end $$;

-- What an operator sees first: how much is open, in which state, and on how many lanes.
create or replace function dash.fleet_counts(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'openTasks', (select coalesce(sum(open), 0) from dash.task_counts),
    'tasks', (select coalesce(jsonb_object_agg(state, count), '{}') from (
      select state, count(*) from dash.tasks where open group by state) t),
    'heldLanes', (select count(*) from dash.attempts where holds_lane),
    'freeLanes', (select coalesce(sum((x->>'free')::integer), 0)
                  from jsonb_array_elements(dash.lanes_by_gateway('{}')) x),
    'gateways', (select coalesce(jsonb_object_agg(state, count), '{}') from (
      select state, count(*) from dash.gateways where state <> 'removed' group by state) g))
$$;

create or replace function dash.create_api_key(p jsonb) returns jsonb
language plpgsql as $$
begin
  if p->>'tenant' is not null then
    perform dash.ensure_tenant(p->>'tenant');
  end if;
  insert into dash.api_keys (id, name, secret_hash, tenant, scopes, expires_at)
  values (p->>'id', p->>'name', decode(p->>'secretHash', 'hex'), p->>'tenant', dash.text_array(p->'scopes'),
          (p->>'expiresAt')::timestamptz);
  return '{"kind": "ok"}';
end $$;
