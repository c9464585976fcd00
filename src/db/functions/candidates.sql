-- P11: what the free gateways may take next, and which of them takes it.
--
-- Candidates are, for each pool with a free lane, the first task of each tenant below its cap, and for each gateway
-- the first one pinned to it, per pool and tenant. They are found by walking an index from one tenant of a level to the
-- next, so what cannot be claimed costs one step per tenant and level, however many tasks it has. The most urgent level
-- that has any is the one that counts. A claim walks once per level; after each task it only looks for the same
-- tenant's next one.
--
-- The planner settings hold the walks to their indexes also when statistics are stale: a queue that was empty at the
-- last ANALYZE looks as if sorting it were free.
create or replace function dash.find_candidates(p_free dash.free_gateway[], p_capped text[]) returns dash.candidate[]
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_level smallint := 0;
  v_found dash.candidate[] := '{}';
  v_pinned_to dash.free_gateway[] := array(
    select g from unnest(p_free) g where exists (
      select 1 from dash.tasks t
      where t.state = 'queued' and t.pinned_gateway is not null and t.pinned_gateway = g.id));
begin
  while v_level < 5 and cardinality(v_found) = 0 loop
    v_level := v_level + 1;
    v_found := dash.still_claimable(
      array(select f from dash.first_of_pools(v_level, p_free) f)
      || array(select f from dash.first_pinned(v_level, v_pinned_to) f), p_free, p_capped);
  end loop;
  return array(
    select row(f.task_id, f.pool, f.gateway_id, f.level, f.tenant, f.seq,
               greatest(own.pass, level.pass, 0))::dash.candidate
    from unnest(v_found) f
    left join dash.passes own on own.pool = f.pool and own.level = f.level and own.tenant = f.tenant
    left join dash.passes level on level.pool = f.pool and level.level = f.level and level.tenant = '');
end $$;

-- The oldest task of each tenant in a level of each pool that has a free gateway.
create or replace function dash.first_of_pools(p_level smallint, p_free dash.free_gateway[])
returns setof dash.candidate
language sql stable as $$
  with recursive walk as (
    select source.pool, head.* from (select distinct pool from unnest(p_free) g cross join unnest(g.pools) pool) source
    cross join lateral (
      select t.id, t.tenant, t.seq from dash.tasks t
      where t.state = 'queued' and t.pinned_gateway is null and t.pool = source.pool and t.effective_priority = p_level
      order by t.tenant, t.seq limit 1) head
    union all
    select w.pool, following.* from walk w
    cross join lateral (
      select t.id, t.tenant, t.seq from dash.tasks t
      where t.state = 'queued' and t.pinned_gateway is null and t.pool = w.pool and t.effective_priority = p_level
        and t.tenant > w.tenant
      order by t.tenant, t.seq limit 1) following)
  select id, pool, null, p_level, tenant, seq, null::bigint from walk
$$;

-- The oldest task of each tenant in a level of what is pinned to each free gateway, pool by pool.
create or replace function dash.first_pinned(p_level smallint, p_free dash.free_gateway[])
returns setof dash.candidate
language sql stable as $$
  with recursive walk as (
    select g.id as gateway_id, pool.pool, head.* from unnest(p_free) g cross join unnest(g.pools) pool (pool)
    cross join lateral (
      select t.id, t.tenant, t.seq from dash.tasks t
      where t.state = 'queued' and t.pinned_gateway is not null and t.pinned_gateway = g.id and t.pool = pool.pool
        and t.effective_priority = p_level
      order by t.tenant, t.seq limit 1) head
    union all
    select w.gateway_id, w.pool, following.* from walk w
    cross join lateral (
      select t.id, t.tenant, t.seq from dash.tasks t
      where t.state = 'queued' and t.pinned_gateway is not null and t.pinned_gateway = w.gateway_id
        and t.pool = w.pool and t.effective_priority = p_level and t.tenant > w.tenant
      order by t.tenant, t.seq limit 1) following)
  select id, pool, gateway_id, p_level, tenant, seq, null::bigint from walk
$$;

-- Each pool gives its turn to the tenant with the least pass; between pools, and between tenants with the same pass,
-- the older task goes first.
create or replace function dash.first_candidate(p_found dash.candidate[]) returns dash.candidate
language sql immutable as $$
  select f from unnest(p_found) f
  join (select pool, min(pass) as pass from unnest(p_found) group by pool) turn on turn.pool = f.pool
  order by f.pass - turn.pass, f.seq limit 1
$$;

-- The candidates after `c` was taken, or turned out not to be claimable: the next one of its tenant and source in its
-- place, at the tenant's pass of now.
create or replace function dash.replace_candidate(p_found dash.candidate[], c dash.candidate, p_pass bigint)
returns dash.candidate[]
language sql as $$
  select array(
    select row(f.task_id, f.pool, f.gateway_id, f.level, f.tenant, f.seq,
               case when f.pool = c.pool and f.tenant = c.tenant then p_pass else f.pass end)::dash.candidate
    from unnest(p_found || dash.next_of_tenant(c)) f where f.task_id <> c.task_id)
$$;

-- The candidates that some free gateway takes, of tenants below their cap and in their pool.
create or replace function dash.still_claimable(
  p_found dash.candidate[], p_free dash.free_gateway[], p_capped text[]
) returns dash.candidate[]
language sql stable as $$
  select array(
    select f from unnest(p_found) f join dash.pools pool on pool.id = f.pool
    where f.tenant <> all(p_capped) and (f.tenant = any(pool.allowed_tenants)) is not false
      and exists (select 1 from unnest(p_free) g where dash.takes(g, f.pool, f.gateway_id, f.tenant)))
$$;

-- Whether the gateway takes this tenant's task of this pool; `p_gateway_id`: what the task is pinned to.
create or replace function dash.takes(
  g dash.free_gateway, p_pool text, p_gateway_id text, p_tenant text
) returns boolean
language sql immutable as $$
  select (p_gateway_id is null or g.id = p_gateway_id) and p_pool = any(g.pools)
    and (g.allowed_tenants is null or p_tenant = any(g.allowed_tenants))
$$;

-- The task of this candidate's tenant, level and source that comes behind it; none: empty. It looks for the next one
-- of whichever tenant, so that no other index seems to serve.
create or replace function dash.next_of_tenant(c dash.candidate) returns dash.candidate[]
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
declare
  n dash.candidate := c;
begin
  if c.gateway_id is null then
    select t.id, t.tenant, t.seq into n.task_id, n.tenant, n.seq from dash.tasks t
    where t.state = 'queued' and t.pinned_gateway is null and t.pool = c.pool and t.effective_priority = c.level
      and (t.tenant, t.seq) > (c.tenant, c.seq)
    order by t.tenant, t.seq limit 1;
  else
    select t.id, t.tenant, t.seq into n.task_id, n.tenant, n.seq from dash.tasks t
    where t.state = 'queued' and t.pinned_gateway is not null and t.pinned_gateway = c.gateway_id
      and t.pool = c.pool and t.effective_priority = c.level and (t.tenant, t.seq) > (c.tenant, c.seq)
    order by t.tenant, t.seq limit 1;
  end if;
  return case when n.tenant = c.tenant then array[n] else '{}' end;
end $$;

-- Among the free gateways that this tenant's task of this pool may run on: the best score, then most free lanes.
create or replace function dash.choose_gateway(
  p_pool text, p_gateway_id text, p_tenant text, p_free dash.free_gateway[]
) returns dash.free_gateway
language sql immutable as $$
  select g from unnest(p_free) g
  where dash.takes(g, p_pool, p_gateway_id, p_tenant)
  order by dash.score_now(g) desc, g.lanes desc, g.id limit 1
$$;
