-- Pools: which gateways they have, whose tasks they take, and where a task belongs. src/db/pool-store.ts, accept.ts.

create or replace function dash.is_in_pool(g dash.gateways, x dash.pools) returns boolean
language sql immutable as $$
  select g.labels @> x.match_labels and g.capabilities @> x.match_capabilities
    and (x.match_regions is null or coalesce(g.region = any(x.match_regions), false))
$$;

create or replace function dash.pools_of(g dash.gateways) returns text[]
language sql stable as $$
  select array(select x.id from dash.pools x where dash.is_in_pool(g, x) order by x.id)
$$;

-- What the pool's own selection does not promise of every gateway in it; empty: it meets the requirements, and takes
-- the tenant's tasks.
create or replace function dash.lacks(x dash.pools, p_asked jsonb, p_tenant text) returns text[]
language sql immutable as $$
  select array(
    select 'label ' || key || '=' || value from jsonb_each_text(coalesce(p_asked->'labels', '{}'))
    where x.match_labels->>key is distinct from value
    union all
    select 'region ' || (p_asked->>'region')
    where p_asked->>'region' is not null and x.match_regions is distinct from array[p_asked->>'region']
    union all
    select 'capability ' || asked from unnest(dash.text_array(p_asked->'capabilities')) asked
    where asked <> all(x.match_capabilities)
    union all
    select 'tenant ' || p_tenant where p_tenant <> all(x.allowed_tenants))
$$;

-- How much a pool demands of its gateways.
create or replace function dash.specificity(x dash.pools) returns integer
language sql immutable as $$
  select (select count(*)::integer from jsonb_object_keys(x.match_labels)) + cardinality(x.match_capabilities)
    + (x.match_regions is not null)::integer
$$;

-- `{"kind": "placed", "pool"}`: the pool that was named, or the least specific one that meets the requirements, the
-- first by id of several; kept from being deleted until the end of the transaction. Otherwise the refusal.
create or replace function dash.place(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_asked jsonb := dash.json_value(p->'requirements');
  v_tenant text := p->>'tenant';
  x dash.pools;
begin
  if v_asked is null then
    select * into x from dash.pools where id = p->>'pool' for key share;
    if x.id is null or v_tenant <> all(x.allowed_tenants) then
      return jsonb_build_object(
        'kind', case when x.id is null then 'unknown-pool' else 'tenant-not-in-pool' end,
        'pool', p->'pool', 'tenant', v_tenant, 'pools', dash.pools_for(v_tenant));
    end if;
  else
    select * into x from dash.pools q where dash.lacks(q, v_asked, v_tenant) = '{}'
    order by dash.specificity(q), q.id limit 1 for key share;
    if x.id is null then
      return jsonb_build_object('kind', 'unmet-requirements', 'pools', dash.why_not(v_asked, v_tenant));
    end if;
  end if;
  return jsonb_build_object('kind', 'placed', 'pool', x.id);
end $$;

-- For a person to choose from: as many as can be read.
create or replace function dash.pools_for(p_tenant text) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(id order by id), '[]') from (
    select id from dash.pools where p_tenant <> all(allowed_tenants) is not true order by id limit 50) x
$$;

create or replace function dash.why_not(p_asked jsonb, p_tenant text) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('id', near.id, 'lacks', near.lacks)
                            order by cardinality(near.lacks), near.id), '[]')
  from (
    select x.id, dash.lacks(x, p_asked, p_tenant) as lacks from dash.pools x
    order by cardinality(dash.lacks(x, p_asked, p_tenant)), x.id limit 50) near
$$;

create or replace function dash.list_pools(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.pool_json(x) order by x.id), '[]') from dash.pools x
$$;

create or replace function dash.get_pool(p jsonb) returns jsonb
language sql stable as $$
  select dash.pool_json(x) from dash.pools x where x.id = p->>'id'
$$;

-- Under the claim lock: a claim sees the pools as they were or as they are.
create or replace function dash.put_pool(p jsonb) returns jsonb
language plpgsql as $$
declare
  x dash.pools;
begin
  perform dash.lock_claims();
  insert into dash.pools as q (id, match_labels, match_regions, match_capabilities, allowed_tenants)
  values (
    p->>'id', coalesce(dash.json_value(p->'matchLabels'), '{}'), dash.text_array(p->'matchRegions'),
    coalesce(dash.text_array(p->'matchCapabilities'), '{}'), dash.text_array(p->'allowedTenants'))
  on conflict (id) do update set
    match_labels = excluded.match_labels, match_regions = excluded.match_regions,
    match_capabilities = excluded.match_capabilities, allowed_tenants = excluded.allowed_tenants
  returning * into x;
  perform dash.emit_fleet('pool.changed', null, p->>'actor', jsonb_build_object(
    'pool', x.id, 'matchLabels', x.match_labels, 'matchRegions', x.match_regions,
    'matchCapabilities', x.match_capabilities, 'allowedTenants', x.allowed_tenants));
  perform dash.hint_work();
  return dash.pool_json(x);
end $$;

-- Refused while work would be left without a pool. What is being accepted for it has its row locked, and is counted.
create or replace function dash.delete_pool(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_id text := p->>'id';
  v_tasks integer;
  v_nodes integer;
begin
  perform 1 from dash.pools where id = v_id for update;
  if not found then
    return jsonb_build_object('kind', 'not-found');
  end if;
  select coalesce(sum(open), 0)::integer into v_tasks from dash.task_counts where pool = v_id;
  select count(*)::integer into v_nodes from dash.swarms s join dash.swarm_nodes n on n.swarm_id = s.id
  where s.state in ('running', 'paused') and n.state = 'waiting' and n.template->>'pool' = v_id;
  if v_tasks + v_nodes > 0 or v_id = 'default' then
    return jsonb_build_object('kind', 'refused', 'openTasks', v_tasks, 'waitingNodes', v_nodes);
  end if;
  delete from dash.pools where id = v_id;
  delete from dash.passes where pool = v_id;
  perform dash.emit_fleet('pool.deleted', null, p->>'actor', jsonb_build_object('pool', v_id));
  return jsonb_build_object('kind', 'deleted');
end $$;

create or replace function dash.pool_json(x dash.pools) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', x.id, 'matchLabels', x.match_labels, 'matchRegions', x.match_regions,
    'matchCapabilities', x.match_capabilities, 'allowedTenants', x.allowed_tenants,
    'gateways', (select count(*) from dash.gateways g where g.state <> 'removed' and dash.is_in_pool(g, x)),
    'createdAt', dash.iso(x.created_at))
$$;
