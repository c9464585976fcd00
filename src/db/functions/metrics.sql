-- What a scrape reads (R16): src/db/metrics-queries.ts.
create or replace function dash.task_state_counts(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('state', state, 'count', count)), '[]') from (
    select state, count(*) from dash.tasks where open group by state
    union all
    select ended.state, sum(ended.count)::bigint
    from dash.task_counts c
    cross join lateral (values
      ('completed', c.completed), ('cancelled', c.cancelled), ('expired', c.expired), ('dead', c.dead)
    ) as ended (state, count)
    group by ended.state) counted
$$;

create or replace function dash.queue_depth(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'pool', pool, 'priority', effective_priority, 'depth', depth,
    'oldestAgeSeconds', extract(epoch from clock_timestamp() - oldest)::float8)), '[]')
  from (
    select pool, effective_priority, count(*) as depth, min(created_at) as oldest
    from dash.tasks where open and state = 'queued' group by pool, effective_priority) q
$$;

create or replace function dash.lanes_by_gateway(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'gatewayId', g.id, 'held', held.lanes,
    'free', case when g.state in ('open', 'degraded') and g.claims_open then
      greatest(0, dash.usable_lanes(g) - held.lanes - g.foreign_runs) else 0 end,
    'health', coalesce(round(
      least(1, g.health_lanes::numeric / nullif(least(g.configured_lanes, g.reported_lanes), 0)), 3), 1),
    'errorRate', dash.recent_json(g)->'errorRate')
    order by g.id), '[]')
  from dash.gateways g
  cross join lateral (
    select count(*)::integer as lanes from dash.attempts where holds_lane and gateway_id = g.id) held
  where g.state <> 'removed'
$$;

create or replace function dash.gateway_states(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('state', state, 'count', count)), '[]')
  from (select state, count(*) from dash.gateways where state <> 'removed' group by state) counted
$$;

create or replace function dash.attempt_outcome_counts(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'outcome', outcome, 'failureClass', nullif(failure_class, ''), 'count', count)), '[]')
  from dash.attempt_counts
$$;

create or replace function dash.wide_budgets(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object('name', b.name) || dash.budget_figures(b) order by b.number), '[]')
  from dash.budgets x cross join lateral dash.rolled(x) b where x.scope in ('fleet', 'tenant')
$$;
