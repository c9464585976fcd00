drop function if exists dash.count_recent_starts(jsonb);

create sequence dash.chain_revisions;

-- The way of people to a gateway's dashboard: what an operator says of it, and what was last seen of it.
create table dash.chains (
  gateway_id text primary key references dash.gateways (id),
  -- as domain/dashboard-chain/settings.ts has them
  settings jsonb not null,
  -- of these settings: a look names the one that it was made with
  revision bigint not null default nextval('dash.chain_revisions'),
  -- {"until", "by", "reason", "at"}: nobody is alarmed, and nothing is healed; until null: for as long as nobody resumes
  pause jsonb,
  -- by link, as domain/dashboard-chain/link.ts has them; null: nobody has looked, or can
  verdict jsonb,
  flapping text[] not null default '{}',
  verdict_at timestamptz,
  -- origins that Dash has put into the gateway's configuration: only these does it take away again
  placed_origins text[] not null default '{}',
  -- what is to be done about it, and by whom, as domain/dashboard-chain/plan.ts has it; null: nothing was planned yet
  plan jsonb,
  -- trouble from its first broken link to the moment when all is well
  episode_since timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- A gateway has far more events of its tasks than of its chain.
create index events_chain on dash.events (gateway_id, seq) where type like 'chain.%';
