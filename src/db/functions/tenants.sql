-- Tenants: their share and their bounds. A tenant is there from its first task on. src/db/tenant-store.ts.

create or replace function dash.list_tenants(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.tenant_json(x) order by x.id), '[]') from (
    select * from dash.tenants
    where (p->>'after' is null or id > p->>'after') and (p->>'only' is null or id = p->>'only')
    order by id limit (p->>'limit')::integer) x
$$;

create or replace function dash.get_tenant(p jsonb) returns jsonb
language sql stable as $$
  select dash.tenant_json(x) from dash.tenants x where x.id = p->>'id'
$$;

-- Makes a tenant, or changes one: a key that is absent leaves the column, null takes the tenant's own bound away.
-- Under the claim lock, so that caps and turns are those of before or of after.
create or replace function dash.put_tenant(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_before jsonb;
  x dash.tenants;
begin
  perform dash.lock_claims();
  perform dash.ensure_tenant(p->>'id');
  select dash.tenant_bounds(t) into v_before from dash.tenants t where t.id = p->>'id';
  update dash.tenants set
    weight = coalesce((p->>'weight')::smallint, weight),
    max_open_tasks = case when p ? 'maxOpenTasks' then (p->>'maxOpenTasks')::integer else max_open_tasks end,
    max_running = case when p ? 'maxRunning' then (p->>'maxRunning')::integer else max_running end
  where id = p->>'id' returning * into x;
  if dash.tenant_bounds(x) <> v_before then
    perform dash.emit_fleet('tenant.changed', x.id, p->>'actor', dash.tenant_bounds(x));
    perform dash.hint_work();
  end if;
  return dash.tenant_json(x);
end $$;

create or replace function dash.tenant_bounds(x dash.tenants) returns jsonb
language sql immutable as $$
  select jsonb_build_object('weight', x.weight, 'maxOpenTasks', x.max_open_tasks, 'maxRunning', x.max_running)
$$;

create or replace function dash.tenant_json(x dash.tenants) returns jsonb
language sql stable as $$
  select dash.tenant_bounds(x) || jsonb_build_object(
    'id', x.id,
    'openTasks', (select coalesce(sum(open), 0) from dash.task_counts where tenant = x.id),
    'running', (select count(*) from dash.attempts where holds_lane and tenant = x.id),
    'createdAt', dash.iso(x.created_at))
$$;
