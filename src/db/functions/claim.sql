-- P9–P14. src/db/claim.ts describes argument and answer.
create or replace function dash.claim(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_free dash.free_gateway[];
  v_capped text[];
  v_left integer;
  v_attempt dash.attempts;
  v_claims jsonb := '[]';
  v_blocked text[] := '{}';
  v_found dash.candidate[] := '{}';
  v_before integer;
  v_pass bigint;
  c dash.candidate;
begin
  -- Whoever accepts a task after this look hints at it: an empty queue costs no lock.
  if not dash.anything_queued() then
    return jsonb_build_object('claims', v_claims);
  end if;
  perform dash.lock_claims();
  v_left := dash.claims_left((p->>'max')::integer);
  if v_left > 0 then
    v_free := dash.free_gateways(p->>'hostId', p->'gateways');
    v_capped := dash.capped_tenants();
  end if;
  while v_left > 0 and cardinality(v_free) > 0 and cardinality(v_blocked) < 50 loop
    if cardinality(v_found) = 0 then
      v_found := dash.find_candidates(v_free, v_capped);
      exit when cardinality(v_found) = 0;
    end if;
    c := dash.first_candidate(v_found);
    v_attempt := dash.dispatch(c.task_id, dash.choose_gateway(c.pool, c.gateway_id, c.tenant, v_free));
    if v_attempt.id is null then
      v_found := dash.replace_candidate(v_found, c, c.pass);
      if exists (select 1 from dash.tasks where id = c.task_id and state = 'blocked') then
        v_blocked := v_blocked || c.task_id;
      end if;
      continue;
    end if;
    v_left := v_left - 1;
    v_claims := v_claims || dash.delivery_json(v_attempt, (select t from dash.tasks t where t.id = c.task_id));
    v_pass := dash.advance_pass(c);
    exit when v_left = 0;
    v_found := dash.replace_candidate(v_found, c, v_pass);
    v_capped := v_capped || dash.capped_tenants(c.tenant);
    v_before := cardinality(v_free);
    v_free := dash.take_lane(v_free, v_attempt.gateway_id);
    if cardinality(v_free) < v_before or c.tenant = any(v_capped) then
      v_found := dash.still_claimable(v_found, v_free, v_capped);
    end if;
  end loop;
  perform dash.charge_claims(p->'gateways', v_claims);
  perform dash.emit_claims(v_claims, v_blocked);
  -- Many that no budget has room for: the next claim goes on with them, so that none lasts long.
  if cardinality(v_blocked) >= 50 then
    perform dash.hint_work();
  end if;
  return jsonb_build_object('claims', v_claims);
end $$;

-- Held to its index like find_candidates, for the same reason.
create or replace function dash.anything_queued() returns boolean
language plpgsql set enable_seqscan = off set enable_bitmapscan = off as $$
begin
  return exists (select 1 from dash.tasks where state = 'queued');
end $$;

-- How many more attempts may be made now: none while the fleet is paused, else up to the total cap.
create or replace function dash.claims_left(p_max integer) returns integer
language sql as $$
  select case when i.fleet_paused then 0
    else least(p_max, i.max_running_total - (select count(*)::integer from dash.attempts where holds_lane)) end
  from dash.installation i
$$;

-- P10: the host's gateways are locked by id, and what counts is read after that: owner, state, lanes. The lock is shared
-- with the writers of attempts (`lock_attempt`), who give lanes back; the one that takes a lane again, a run that showed
-- up after all, may as well have come after the claim.
create or replace function dash.free_gateways(p_host_id text, p_offered jsonb) returns dash.free_gateway[]
language plpgsql as $$
begin
  perform 1 from dash.gateways
  where id in (select o->>'gatewayId' from jsonb_array_elements(p_offered) o)
  order by id for share;
  return array(
    select row(g.id, g.owner_epoch, least(o.lanes, cap.lanes - cap.used), o.score, o.reasons, g.allowed_tenants,
      pools.ids, cap.used, cap.lanes, coalesce(o."perRun", 0), coalesce(o."perSpend", 0), coalesce(account.spend, 0),
      coalesce(o.charge, 0))::dash.free_gateway
    from jsonb_to_recordset(p_offered) as o (
      "gatewayId" text, "ownerEpoch" bigint, lanes integer, score float8, reasons jsonb, "perRun" float8,
      "perSpend" float8, charge float8)
    join dash.gateways g on g.id = o."gatewayId"
    left join dash.spend_accounts(p_offered) account on account.gateway_id = g.id
    left join (
      select gateway_id, count(*)::integer as lanes from dash.attempts where holds_lane group by gateway_id) held
      on held.gateway_id = g.id
    cross join lateral (
      select dash.usable_lanes(g) as lanes, g.foreign_runs + coalesce(held.lanes, 0) as used) cap
    cross join lateral (
      select array_agg(x.id order by x.id) as ids from dash.pools x where dash.is_in_pool(g, x)) pools
    where g.owner_host = p_host_id and g.owner_epoch = o."ownerEpoch"
      and g.state in ('open', 'degraded') and g.claims_open and least(o.lanes, cap.lanes - cap.used) > 0
      and pools.ids is not null
    order by g.id);
end $$;

-- Tenants that run as much as they may; of one tenant, or of all. Where nothing limits them nothing is counted.
create or replace function dash.capped_tenants(p_tenant text default null) returns text[]
language plpgsql as $$
declare
  v_default integer := (select max_running_per_tenant from dash.installation);
begin
  if v_default is null and not exists (
    select 1 from dash.tenants where max_running is not null and (p_tenant is null or id = p_tenant)) then
    return '{}';
  end if;
  return array(
    select a.tenant from dash.attempts a join dash.tenants t on t.id = a.tenant
    where a.holds_lane and (p_tenant is null or a.tenant = p_tenant)
    group by a.tenant, coalesce(t.max_running, v_default)
    having count(*) >= coalesce(t.max_running, v_default));
end $$;

create or replace function dash.take_lane(p_free dash.free_gateway[], p_gateway_id text) returns dash.free_gateway[]
language sql immutable as $$
  select array(
    select row(g.id, g.owner_epoch, g.lanes - taken.n, g.score, g.reasons, g.allowed_tenants, g.pools,
      g.used + taken.n, g.capacity, g.per_run, g.per_spend, g.spend + g.charge * taken.n, g.charge)::dash.free_gateway
    from unnest(p_free) g
    cross join lateral (select (g.id = p_gateway_id)::integer as n) taken
    where g.lanes > taken.n order by g.id)
$$;

-- Makes the attempt and moves the task (P13). A null row when the task changed meanwhile, when a budget has no room
-- (P15), or when an open attempt stands in the way: then the task is blocked and the batch goes on.
create or replace function dash.dispatch(p_task_id text, g dash.free_gateway) returns dash.attempts
language plpgsql as $$
declare
  t dash.tasks;
  a dash.attempts;
  v_budget text;
begin
  t := dash.lock_task(p_task_id);
  if t.state <> 'queued' or t.pinned_gateway <> g.id then
    return a;
  end if;
  v_budget := dash.budget_refusing(t);
  if v_budget is not null then
    perform dash.block_for_budget(t, v_budget);
    return a;
  end if;
  insert into dash.attempts (id, task_id, number, tenant, session_id, gateway_id, owner_epoch, state, route)
  values (gen_random_uuid(), t.id, t.last_attempt + 1, t.tenant, t.session_id, g.id, g.owner_epoch, 'planned',
          dash.route_json(g))
  on conflict do nothing returning * into a;
  if a.id is null then
    update dash.tasks set state = 'blocked', state_reason = 'conflict', updated_at = now() where id = t.id;
    insert into dash.reconcile_findings (kind, subject, repaired) values ('attempt-conflict', t.id, false);
    return a;
  end if;
  update dash.tasks set
    state = 'dispatched', last_attempt = a.number, updated_at = now(),
    pinned_gateway = case when t.session_id is null then t.pinned_gateway else g.id end
  where id = t.id;
  update dash.sessions set gateway_id = g.id, updated_at = now() where id = t.session_id and gateway_id is null;
  perform dash.reserve_budget(a, t);
  return a;
end $$;

-- P14: a tenant's turn is over, which brings it forward by its weight's part; who was idle or capped starts from the
-- level's present, without credit. The tenant's pass after it.
create or replace function dash.advance_pass(c dash.candidate) returns bigint
language plpgsql as $$
declare
  v_pass bigint := c.pass + (select 1000000 / weight from dash.tenants where id = c.tenant);
begin
  insert into dash.passes as x (pool, level, tenant, pass)
  values (c.pool, c.level, c.tenant, v_pass), (c.pool, c.level, '', c.pass)
  on conflict (pool, level, tenant) do update set pass = excluded.pass;
  return v_pass;
end $$;

create or replace function dash.emit_claims(p_claims jsonb, p_blocked text[]) returns void
language plpgsql as $$
declare
  c jsonb;
  t dash.tasks;
  v_task_id text;
begin
  for c in select jsonb_array_elements(p_claims) loop
    select * into t from dash.tasks where id = c->>'taskId';
    perform dash.emit_task(
      'task.dispatched', t, (c->>'attemptId')::uuid, c->>'gatewayId', null,
      jsonb_build_object('number', c->'attemptNumber'));
  end loop;
  foreach v_task_id in array p_blocked loop
    select * into t from dash.tasks where id = v_task_id;
    perform dash.emit_task('task.blocked', t, p_data =>
      jsonb_strip_nulls(jsonb_build_object('reason', t.state_reason, 'budget', t.blocked_on)));
  end loop;
end $$;
