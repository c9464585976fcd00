-- What Dash's own attempts show of a gateway, for the router and its health: src/router/route.ts.

-- What is left of a count after a while: half of it after two minutes.
create or replace function dash.faded(p_count double precision, p_since timestamptz) returns double precision
language sql stable as $$
  select p_count * power(0.5, greatest(0, extract(epoch from now() - p_since)) / 120)
$$;

-- A moving average: the newest sample counts a fifth.
create or replace function dash.averaged(p_before double precision, p_sample double precision)
returns double precision
language sql immutable as $$
  select case when p_sample is null then p_before when p_before is null then p_sample
    else p_before + 0.2 * (p_sample - p_before) end
$$;

-- An end that says nothing about the gateway is not counted: cancelled, expired, aborted, out of its own time, or
-- a failure that would have been the same anywhere (permanent). `a` is the attempt before its end.
create or replace function dash.count_at_gateway(
  a dash.attempts, p_outcome text, p_failure jsonb, p_usage jsonb
) returns void
language plpgsql as $$
declare
  v_failed boolean := p_outcome = 'failed' and p_failure->>'class' in ('transient', 'rate-limited', 'unknown')
    and (p_failure->>'aborted')::boolean is not true and (p_failure->>'timedOut')::boolean is not true;
  v_plain boolean := cardinality(a.run_ids) = 1 and cardinality(a.recovery_run_ids) = 0;
begin
  if p_outcome <> 'succeeded' and v_failed is not true then
    return;
  end if;
  update dash.gateway_stats s set
    runs = dash.faded(s.runs, s.counted_at) + 1,
    failures = dash.faded(s.failures, s.counted_at) + v_failed::integer,
    counted_at = now(),
    accept_ms = dash.averaged(
      s.accept_ms, case when v_plain then extract(epoch from a.accepted_at - a.sending_at) * 1000 end),
    run_ms = dash.averaged(
      s.run_ms, case when v_plain and not v_failed then extract(epoch from now() - a.accepted_at) * 1000 end),
    cost_usd = dash.averaged(s.cost_usd, (p_usage->>'costUsd')::double precision)
  where s.gateway_id = a.gateway_id;
end $$;

-- Lanes that may be used at all: the operator's limit, the gateway's own, and what its health leaves.
create or replace function dash.usable_lanes(g dash.gateways) returns integer
language sql immutable as $$
  select least(g.configured_lanes, g.reported_lanes, g.health_lanes)
$$;

-- Numbers of the kind that a person reads: rates with two decimals, milliseconds, runs as counted.
create or replace function dash.recent_json(g dash.gateways) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'runs', coalesce(round(dash.faded(s.runs, s.counted_at)::numeric, 1), 0),
    'errorRate', coalesce(round((s.failures / nullif(s.runs, 0))::numeric, 3), 0),
    'acceptMs', round(s.accept_ms::numeric, 1), 'runMs', round(s.run_ms::numeric, 1), 'costUsd', s.cost_usd)
  from (select 1) one left join dash.gateway_stats s on s.gateway_id = g.id
$$;

-- The part of the router's formula that moves while a claim fills lanes: src/router/route.ts, `scoreNow`.
create or replace function dash.score_now(g dash.free_gateway) returns double precision
language sql immutable as $$
  select g.score - g.per_run * g.used - g.per_spend * g.spend
$$;

-- The route as it is stored with an attempt: what the router said, and what the claim counted under its lock.
create or replace function dash.route_json(g dash.free_gateway) returns jsonb
language sql immutable as $$
  select jsonb_build_object(
    'score', round(dash.score_now(g)::numeric, 4),
    'reasons', g.reasons
      || case when g.per_run > 0 then jsonb_build_array(format('utilisation:%s/%s', g.used, g.capacity)) else '[]' end
      || case when g.per_spend > 0 then jsonb_build_array('spend:' || round(g.spend::numeric, 3)) else '[]' end)
$$;

-- R57: the accounts of the gateways that are offered with one, counted from the one that lags behind most. Who lags
-- further than the credit (was away, was full, is new) starts from there.
create or replace function dash.spend_accounts(p_offered jsonb, out gateway_id text, out base double precision,
  out spend double precision)
returns setof record
language sql stable as $$
  select a.id, a.top - a.credit, greatest(0, a.spend - (a.top - a.credit))
  from (
    select s.gateway_id as id, s.spend, o.credit, max(s.spend) over () as top
    from jsonb_to_recordset(p_offered) as o ("gatewayId" text, credit float8)
    join dash.gateway_stats s on s.gateway_id = o."gatewayId"
    where o.credit is not null) a
$$;

-- What the claims of one transaction cost, into the accounts; nothing where the weights do not differ.
create or replace function dash.charge_claims(p_offered jsonb, p_claims jsonb) returns void
language plpgsql as $$
begin
  if p_claims = '[]' or not jsonb_path_exists(p_offered, '$[*].credit') then
    return;
  end if;
  update dash.gateway_stats s
  set spend = account.base + account.spend + o.charge * claimed.count
  from jsonb_to_recordset(p_offered) as o ("gatewayId" text, charge float8),
    (select c->>'gatewayId' as id, count(*) as count from jsonb_array_elements(p_claims) c group by 1) claimed,
    dash.spend_accounts(p_offered) account
  where s.gateway_id = o."gatewayId" and claimed.id = s.gateway_id and account.gateway_id = s.gateway_id;
end $$;
