-- What the router knows of a gateway: the operator's weight, its health as its owner judges it, and what Dash's own
-- attempts there have shown.

alter table dash.gateways
  -- R57: its share of the spend, relative to the weights of the others
  add column cost_weight double precision not null default 1 check (cost_weight > 0 and cost_weight <= 1000000),
  -- how its owner judges it (shape: HealthState of src/domain/gateway-health.ts); null: not observed yet
  add column health jsonb,
  -- lanes that its health leaves; null: no limit
  add column health_lanes integer check (health_lanes >= 0),
  add column health_since timestamptz not null default now();

-- Kept apart from the gateway's row, which settling transactions only share. Room on the pages for updates in place.
create table dash.gateway_stats (
  gateway_id text primary key references dash.gateways (id),
  -- attempts that ended there by the gateway's doing, and those of them that failed; both fade (half-life two minutes)
  runs double precision not null default 0,
  failures double precision not null default 0,
  counted_at timestamptz not null default now(),
  -- moving averages; null: none seen yet
  accept_ms double precision,
  run_ms double precision,
  cost_usd double precision,
  -- account of the shares: what was spent there, divided by the weight
  spend double precision not null default 0
) with (fillfactor = 50);
insert into dash.gateway_stats (gateway_id) select id from dash.gateways;

alter type dash.free_gateway
  add attribute used integer,
  add attribute capacity integer,
  add attribute per_run double precision,
  add attribute per_spend double precision,
  add attribute spend double precision,
  add attribute charge double precision;
