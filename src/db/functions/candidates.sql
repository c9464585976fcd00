-- P11: what the free gateways may take next, and which of them takes it.
--
-- Candidates are, for each pool with a free lane, the first task of each tenant below its cap, and for each gateway
-- the first one pinned to it, per pool and tenant. They are found by walking an index from one tenant of a level to the
-- next, so what cannot be claimed costs one step per tenant and level, however many tasks it has. The walks stop
-- behind the most urgent level found: those of that level are the candidates. A claim walks once per level; after each
-- task it only looks for the same tenant's next one.
--
-- The planner settings hold the walks to their indexes also when statistics are stale: a queue that was empty at the
-- last ANALYZE looks as if sorting it were free.
create or replace function dash.find_candidates(p_free dash.free_gateway[], p_capped text[]) returns dash.candidate[]
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
  return array(
    select row(f.task_id, f.pool, f.gateway_id, f.level, f.tenant, f.seq,
               greatest(own.pass, level.pass, 0))::dash.candidate
    from unnest(v_found) f
    left join dash.passes own on own.pool = f.pool and own.level = f.level and own.tenant = f.tenant
    left join dash.passes level on level.pool = f.pool and level.level = f.level and level.tenant = ''
    where f.level = v_best);
end $$;

-- Each pool gives its turn to the tenant with the least pass; between pools, and between tenants with the same pass,
-- the older task goes first.
create or replace function dash.first_candidate(p_found dash.candidate[]) returns dash.candidate
language sql immutable as $$
  select row(f.task_id, f.pool, f.gateway_id, f.level, f.tenant, f.seq, f.pass)::dash.candidate
  from unnest(p_found) f
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

-- The candidates that are left when a tenant has reached its cap, or a gateway is full.
create or replace function dash.still_claimable(
  p_found dash.candidate[], p_free dash.free_gateway[], p_capped text[]
) returns dash.candidate[]
language sql immutable as $$
  select array(
    select row(f.task_id, f.pool, f.gateway_id, f.level, f.tenant, f.seq, f.pass)::dash.candidate
    from (
      select pool, gateway_id, dash.taken_tenants(pool, gateway_id, p_free) as taken
      from unnest(p_found) group by pool, gateway_id) source
    join unnest(p_found) f on f.pool = source.pool and f.gateway_id is not distinct from source.gateway_id
    where f.tenant <> all(p_capped) and (f.tenant <> all(source.taken)) is not true)
$$;

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
      select row(h.id, p_pool, p_gateway_id, v_level, h.tenant, h.seq, null)::dash.candidate
      from dash.first_of_tenants(p_pool, p_gateway_id, v_level) h
      where h.tenant <> all(p_capped) and (h.tenant <> all(v_taken) or h.tenant <> all(v_allowed)) is not true);
    exit when cardinality(v_found) > 0;
  end loop;
  return coalesce(v_found, '{}');
end $$;

-- Whose tasks the free gateways of a source take; null: everybody's; nobody's when none of them is free.
create or replace function dash.taken_tenants(
  p_pool text, p_gateway_id text, p_free dash.free_gateway[]
) returns text[]
language sql immutable as $$
  select case when count(*) filter (where g.allowed_tenants is null) = 0 then coalesce(array_agg(tenant), '{}') end
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
  where (p_gateway_id is null or g.id = p_gateway_id)
    and p_pool = any(g.pools)
    and (g.allowed_tenants is null or p_tenant = any(g.allowed_tenants))
  order by dash.score_now(g) desc, g.lanes desc, g.id limit 1
$$;
