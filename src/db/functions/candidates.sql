-- P11: the best task that the free gateways may take now, and the gateway that takes it. A null row: there is none.
--
-- Candidates are, for each pool with a free lane, the first task of each tenant below its cap, and for each gateway
-- the first one pinned to it, per pool and tenant. They are found by walking an index from one tenant of a level to the
-- next, so what cannot be claimed costs one step per tenant and level, however many tasks it has. The walks stop
-- behind the most urgent level found. Within that level each pool gives its turn to the tenant with the least pass;
-- between pools, and between tenants with the same pass, the older task goes first.
--
-- The planner settings hold the walks to their indexes also when statistics are stale: a queue that was empty at the
-- last ANALYZE looks as if sorting it were free.
create or replace function dash.next_candidate(
  p_free dash.free_gateway[], p_capped text[],
  out task_id text, out gateway dash.free_gateway
)
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_source record;
  v_best smallint := 5;
  v_found dash.candidate[] := '{}';
begin
  for v_source in select * from dash.candidate_sources(p_free) loop
    v_found := v_found || dash.walk_candidates(v_source.pool, v_source.gateway_id, v_best, p_free, p_capped);
    v_best := least(v_best, (v_found[cardinality(v_found)]).level);
  end loop;
  select c.task_id, c.pool, c.gateway_id, c.tenant into v_source
  from (
    select f.*, turn.pass - min(turn.pass) over (partition by f.pool) as behind
    from unnest(v_found) f
    cross join lateral (
      select coalesce(max(x.pass), 0) as pass from dash.passes x
      where x.pool = f.pool and x.level = f.level and x.tenant in (f.tenant, '')) turn
    where f.level = v_best) c
  order by c.behind, c.seq limit 1;
  task_id := v_source.task_id;
  gateway := dash.choose_gateway(v_source.pool, v_source.gateway_id, v_source.tenant, p_free);
end $$;

-- Where candidates may come from: a pool, or what is pinned to a gateway within a pool of that gateway, if anything is.
create or replace function dash.candidate_sources(
  p_free dash.free_gateway[], out pool text, out gateway_id text
) returns setof record
language sql stable as $$
  select distinct pool, null::text from unnest(p_free) g cross join unnest(g.pools) pool
  union all
  select pool.pool, g.id from unnest(p_free) g cross join unnest(g.pools) pool (pool)
  cross join lateral (
    select 1 from dash.tasks t
    where t.state = 'queued' and t.pinned_gateway is not null and t.pinned_gateway = g.id and t.pool = pool.pool
    order by t.pinned_gateway, t.pool, t.effective_priority, t.tenant, t.seq limit 1) something
$$;

-- The first claimable task of each tenant in one source, at the most urgent level that has one, and not beyond
-- `p_level`.
create or replace function dash.walk_candidates(
  p_pool text, p_gateway_id text, p_level smallint, p_free dash.free_gateway[], p_capped text[]
) returns dash.candidate[]
language plpgsql as $$
declare
  v_found dash.candidate[];
  v_level smallint := 0;
  v_taken text[] := dash.taken_tenants(p_pool, p_gateway_id, p_free);
  v_allowed text[] := (select allowed_tenants from dash.pools where id = p_pool);
begin
  loop
    v_level := dash.next_level(p_pool, p_gateway_id, v_level);
    exit when v_level is null or v_level > p_level;
    v_found := array(
      select row(h.id, p_pool, p_gateway_id, v_level, h.tenant, h.seq)::dash.candidate
      from dash.first_of_tenants(p_pool, p_gateway_id, v_level) h
      where h.tenant <> all(p_capped) and (h.tenant <> all(v_taken) or h.tenant <> all(v_allowed)) is not true);
    exit when cardinality(v_found) > 0;
  end loop;
  return coalesce(v_found, '{}');
end $$;

-- Whose tasks the free gateways of a source take; null: everybody's.
create or replace function dash.taken_tenants(
  p_pool text, p_gateway_id text, p_free dash.free_gateway[]
) returns text[]
language sql immutable as $$
  select case when count(*) filter (where g.allowed_tenants is null) = 0 then array_agg(tenant) end
  from unnest(p_free) g left join unnest(g.allowed_tenants) tenant on true
  where p_pool = any(g.pools) and (p_gateway_id is null or g.id = p_gateway_id)
$$;

-- The next level after `p_after` that has anything in a source.
create or replace function dash.next_level(p_pool text, p_gateway_id text, p_after smallint) returns smallint
language plpgsql stable as $$
begin
  if p_gateway_id is null then
    return (
      select effective_priority from dash.tasks
      where state = 'queued' and pinned_gateway is null and pool = p_pool and effective_priority > p_after
      order by effective_priority, tenant, seq limit 1);
  end if;
  return (
    select effective_priority from dash.tasks
    where state = 'queued' and pinned_gateway is not null and pinned_gateway = p_gateway_id and pool = p_pool
      and effective_priority > p_after
    order by effective_priority, tenant, seq limit 1);
end $$;

-- The oldest task of each tenant in a level of a source: from one tenant to the next, one step of the index each.
create or replace function dash.first_of_tenants(
  p_pool text, p_gateway_id text, p_level smallint, out id text, out tenant text, out seq bigint
) returns setof record
language plpgsql stable as $$
begin
  if p_gateway_id is null then
    return query
    with recursive walk as (
      (select t.id, t.tenant, t.seq from dash.tasks t
       where t.state = 'queued' and t.pinned_gateway is null and t.pool = p_pool and t.effective_priority = p_level
       order by t.tenant, t.seq limit 1)
      union all
      select n.id, n.tenant, n.seq from walk w
      cross join lateral (
        select t.id, t.tenant, t.seq from dash.tasks t
        where t.state = 'queued' and t.pinned_gateway is null and t.pool = p_pool and t.effective_priority = p_level
          and t.tenant > w.tenant
        order by t.tenant, t.seq limit 1) n)
    select walk.id, walk.tenant, walk.seq from walk;
  else
    return query
    with recursive walk as (
      (select t.id, t.tenant, t.seq from dash.tasks t
       where t.state = 'queued' and t.pinned_gateway is not null and t.pinned_gateway = p_gateway_id
         and t.pool = p_pool and t.effective_priority = p_level
       order by t.tenant, t.seq limit 1)
      union all
      select n.id, n.tenant, n.seq from walk w
      cross join lateral (
        select t.id, t.tenant, t.seq from dash.tasks t
        where t.state = 'queued' and t.pinned_gateway is not null and t.pinned_gateway = p_gateway_id
          and t.pool = p_pool and t.effective_priority = p_level and t.tenant > w.tenant
        order by t.tenant, t.seq limit 1) n)
    select walk.id, walk.tenant, walk.seq from walk;
  end if;
end $$;

-- Among the free gateways that this tenant's task of this pool may run on: the best score, then most free lanes.
create or replace function dash.choose_gateway(
  p_pool text, p_gateway_id text, p_tenant text, p_free dash.free_gateway[]
) returns dash.free_gateway
language sql immutable as $$
  select g from unnest(p_free) g
  where (p_gateway_id is null or g.id = p_gateway_id)
    and p_pool = any(g.pools)
    and (g.allowed_tenants is null or p_tenant = any(g.allowed_tenants))
  order by dash.score_now(g) desc, g.lanes desc, g.id limit 1
$$;
