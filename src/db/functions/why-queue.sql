-- Why a task that may be claimed now is not: what would be claimed before it, caps, and the gateways that could take it.
create or replace function dash.why_queue(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'fleet', dash.why_fleet(),
    'rank', dash.why_rank(t),
    'caps', dash.why_caps(t.tenant),
    'pinnedTo', t.pinned_gateway,
    'gateways', dash.why_pool_gateways(t))
$$;

create or replace function dash.why_fleet() returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'paused', i.fleet_paused, 'since', dash.why_moment(i.paused_at), 'by', i.paused_by, 'reason', i.pause_reason)
  from dash.installation i
$$;

create or replace function dash.why_caps(p_tenant text) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'total', i.max_running_total,
    'tenant', coalesce((select max_running from dash.tenants where id = p_tenant), i.max_running_per_tenant),
    'runningTotal', (select count(*) from dash.attempts where holds_lane),
    'runningTenant', (select count(*) from dash.attempts where holds_lane and tenant = p_tenant))
  from dash.installation i
$$;

-- The gateways of its pool; a task that is pinned waits for one of them alone.
create or replace function dash.why_pool_gateways(t dash.tasks) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(
    dash.why_gateway_row(g) || jsonb_build_object(
      'allowsTenant', (t.tenant <> all(g.allowed_tenants) or t.tenant <> all(p.allowed_tenants)) is not true,
      'inPool', dash.is_in_pool(g, p),
      'lanes', jsonb_build_object(
        'capacity', own.capacity, 'held', held.lanes, 'foreign', g.foreign_runs, 'health', g.health_lanes),
      'busyWith', case when held.lanes + g.foreign_runs >= own.capacity then dash.why_busy_with(g.id) else '[]' end)
    order by g.id), '[]')
  from dash.gateways g join dash.pools p on p.id = t.pool
  cross join lateral (select dash.usable_lanes(g) as capacity) own
  cross join lateral (
    select count(*)::integer as lanes from dash.attempts a where a.holds_lane and a.gateway_id = g.id) held
  where case when t.pinned_gateway is not null then g.id = t.pinned_gateway
        else g.state <> 'removed' and dash.is_in_pool(g, p) end
$$;

create or replace function dash.why_gateway_row(g dash.gateways) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', g.id, 'kind', g.kind, 'state', g.state, 'since', dash.why_moment(g.state_changed_at),
    'reason', g.state_reason, 'hint', g.hint, 'failure', g.failure, 'desiredState', g.desired_state,
    'claimsOpen', g.claims_open, 'ownerHost', g.owner_host, 'lastSeen', dash.why_moment(g.last_seen_at))
$$;

create or replace function dash.why_lanes(g dash.gateways) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'capacity', dash.usable_lanes(g), 'held', held.lanes, 'foreign', g.foreign_runs, 'health', g.health_lanes)
  from (select count(*)::integer as lanes from dash.attempts where holds_lane and gateway_id = g.id) held
$$;

-- What holds the lanes of a gateway, the longest first.
create or replace function dash.why_busy_with(p_gateway_id text) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'taskId', a.task_id, 'tenant', a.tenant, 'since', dash.why_moment(a.planned_at))
    order by a.planned_at), '[]')
  from (
    select task_id, tenant, planned_at from dash.attempts
    where holds_lane and gateway_id = p_gateway_id order by planned_at limit 10) a
$$;

-- How many would be claimed before it, were every lane of the pool free for all of them: exact up to 1 000, more is
-- 1 001. Of its own level it counts the turns of the tenants as the claim gives them (P14): before its own turn comes
-- each other tenant has one for every pass that it is behind. Those of sessions that live on a gateway wait for that
-- gateway; they are counted apart, by level and age.
create or replace function dash.why_rank(t dash.tasks) returns jsonb
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_ahead integer;
begin
  v_ahead := dash.why_levels_above(t);
  if v_ahead <= 1000 then
    v_ahead := least(1001, v_ahead + dash.why_turns_before(t));
  end if;
  return jsonb_build_object(
    'ahead', v_ahead,
    'pinnedAhead', dash.why_pinned_before(t),
    'openInPool', case when v_ahead > 1000 then
      (select coalesce(sum(c.open), 0) from dash.task_counts c where c.pool = t.pool) end);
end $$;

create or replace function dash.why_levels_above(t dash.tasks) returns integer
language sql stable as $$
  select count(*)::integer from (
    select 1 from dash.tasks x
    where x.state = 'queued' and x.pinned_gateway is null and x.pool = t.pool
      and x.effective_priority < t.effective_priority limit 1001) x
$$;

-- Tenants with something to claim in one level of a pool, by walking the index of the claim.
create or replace function dash.why_tenants_of_level(p_pool text, p_level smallint) returns setof text
language sql stable as $$
  with recursive walk as (
    (select x.tenant from dash.tasks x
     where x.state = 'queued' and x.pinned_gateway is null and x.pool = p_pool and x.effective_priority = p_level
     order by x.tenant limit 1)
    union all
    select following.tenant from walk w cross join lateral (
      select x.tenant from dash.tasks x
      where x.state = 'queued' and x.pinned_gateway is null and x.pool = p_pool and x.effective_priority = p_level
        and x.tenant > w.tenant
      order by x.tenant limit 1) following
  )
  select tenant from walk limit 1001
$$;

create or replace function dash.why_turns_before(t dash.tasks) returns integer
language plpgsql stable as $$
declare
  v_own integer;
  v_turn bigint;
  v_level bigint;
begin
  select count(*) into v_own from (
    select 1 from dash.tasks x
    where x.state = 'queued' and x.pinned_gateway is null and x.pool = t.pool
      and x.effective_priority = t.effective_priority and x.tenant = t.tenant and x.seq < t.seq limit 1001) x;
  -- The pass at which its own turn comes.
  select coalesce(max(p.pass) filter (where p.tenant in (t.tenant, '')), 0)
           + v_own * (select 1000000 / weight from dash.tenants where id = t.tenant),
         coalesce(max(p.pass) filter (where p.tenant = ''), 0)
  into v_turn, v_level
  from dash.passes p where p.pool = t.pool and p.level = t.effective_priority and p.tenant in (t.tenant, '');
  return v_own + (
    select count(*) from (
      select 1
      from dash.why_tenants_of_level(t.pool, t.effective_priority) other (tenant)
      left join dash.passes p
        on p.pool = t.pool and p.level = t.effective_priority and p.tenant = other.tenant
      join dash.tenants w on w.id = other.tenant
      cross join lateral (
        select v_turn - greatest(p.pass, v_level) as distance, 1000000 / w.weight as step) way
      cross join lateral (
        select greatest(0, (way.distance + way.step - 1) / way.step) as turns,
          way.distance >= 0 and way.distance % way.step = 0 as meets) behind
      cross join lateral (
        select x.seq, row_number() over (order by x.seq) as place from (
          select y.seq from dash.tasks y
          where y.state = 'queued' and y.pinned_gateway is null and y.pool = t.pool
            and y.effective_priority = t.effective_priority and y.tenant = other.tenant
          order by y.seq limit least(1001, behind.turns + behind.meets::integer)) x) queued
      where other.tenant <> t.tenant
        and (queued.place <= behind.turns or queued.seq < t.seq)
      limit 1001) before);
end $$;

create or replace function dash.why_pinned_before(t dash.tasks) returns integer
language sql stable as $$
  select count(*)::integer from (
    select 1
    from dash.gateways g join dash.pools p on p.id = t.pool
    cross join lateral (
      select 1 from dash.tasks x
      where x.state = 'queued' and x.pinned_gateway = g.id and x.pool = t.pool
        and (x.effective_priority, x.seq) < (t.effective_priority, t.seq) limit 1001) x
    where case when t.pinned_gateway is not null then g.id = t.pinned_gateway
          else g.state <> 'removed' and dash.is_in_pool(g, p) end
    limit 1001) x
$$;
