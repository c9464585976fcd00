-- src/db/installation-store.ts and api-key-store.ts.
create or replace function dash.read_installation(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', i.id, 'stream', i.stream, 'fleetPaused', i.fleet_paused, 'maxOpenTasks', i.max_open_tasks,
    'maxRunningTotal', i.max_running_total, 'maxRunningPerTenant', i.max_running_per_tenant,
    'createdAt', dash.iso(i.created_at))
  from dash.installation i
$$;

-- P9: a claim that has begun ends first, a later one sees the pause.
create or replace function dash.set_fleet_paused(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_paused boolean := (p->>'paused')::boolean;
  e dash.events;
begin
  perform dash.lock_claims();
  update dash.installation set fleet_paused = v_paused where fleet_paused <> v_paused;
  if found then
    e.type := case when v_paused then 'fleet.paused' else 'fleet.resumed' end;
    e.actor := p->>'actor';
    perform dash.write_event(dash.next_event(), e);
    perform dash.hint_work();
  end if;
  return dash.read_installation('{}');
end $$;

create or replace function dash.set_limits(p jsonb) returns jsonb
language plpgsql as $$
begin
  perform dash.lock_claims();
  update dash.installation set
    max_open_tasks = coalesce((p->>'maxOpenTasks')::integer, max_open_tasks),
    max_running_total =
      case when p ? 'maxRunningTotal' then (p->>'maxRunningTotal')::integer else max_running_total end,
    max_running_per_tenant =
      case when p ? 'maxRunningPerTenant' then (p->>'maxRunningPerTenant')::integer else max_running_per_tenant end;
  perform dash.hint_work();
  return dash.read_installation('{}');
end $$;

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
