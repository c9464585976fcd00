-- The truth that PostgreSQL owns: what was accepted, in which order, every attempt, every outcome, every event.
-- Vocabulary: ARCHITECTURE.md, glossary. Rules: protocol numbers (P..) as cited there.
-- Tables only: whatever writes them is a function in ../functions, where a change reads as a diff.

create schema if not exists dash;

-- One row. `id` goes into every name that Dash leaves at a gateway; `stream` names the event stream that cursors
-- belong to, and changes when the database was restored (P36).
create table dash.installation (
  singleton boolean primary key default true check (singleton),
  id text not null check (id ~ '^[a-z2-7]{8}$'),
  stream text not null,
  fleet_paused boolean not null default false,
  max_open_tasks integer not null default 10000 check (max_open_tasks > 0),
  max_running_total integer check (max_running_total > 0),
  max_running_per_tenant integer check (max_running_per_tenant > 0),
  created_at timestamptz not null default now()
);

create table dash.tenants (
  id text primary key check (id ~ '^[a-z0-9-]{1,40}$'),
  created_at timestamptz not null default now()
);

-- A named set of gateways: those whose labels contain all of `match_labels` (none asked: every gateway).
create table dash.pools (
  id text primary key check (id ~ '^[a-z0-9-]{1,40}$'),
  match_labels jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table dash.gateways (
  id text primary key check (id ~ '^[a-z0-9-]{1,40}$'),
  kind text not null check (kind in ('managed', 'adopted')),
  endpoint text not null,
  -- managed only: state directory, port, model provider (shapes: src/domain/gateway-profile.ts)
  profile jsonb not null default '{}',
  labels jsonb not null default '{}',
  capabilities text[] not null default '{}',
  region text,
  -- null: every tenant
  allowed_tenants text[],
  configured_lanes integer not null default 4 check (configured_lanes between 1 and 1000),
  -- the gateway's own lane limit and the runs there that are not ours, as last seen
  reported_lanes integer,
  foreign_runs integer not null default 0,
  state text not null default 'registered' check (state in (
    'registered', 'starting', 'reconciling', 'open', 'degraded', 'draining', 'drained', 'cordoned',
    'stopping', 'stopped', 'unreachable', 'unowned', 'failed', 'removed')),
  failure text check (failure in ('configuration', 'crash-loop', 'protocol', 'auth', 'pairing')),
  state_reason text,
  hint text,
  -- what the operator wants: running, drained, cordoned, stopped, removed
  desired_state text not null default 'running'
    check (desired_state in ('running', 'drained', 'cordoned', 'stopped', 'removed')),
  -- false while draining, cordoned or stopped by wish: changed under the claim lock (P9)
  claims_open boolean not null default true,
  -- P25: epochs are handed out from here, and taken only if greater than the owner's
  allocated_epoch bigint not null default 0,
  owner_host text,
  owner_epoch bigint not null default 0,
  boot_id text,
  state_id text,
  version text,
  protocol integer,
  process jsonb,
  last_seen_at timestamptz,
  state_changed_at timestamptz not null default now(),
  created_at timestamptz not null default now()
);

-- Encrypted with the installation's secret key; never leaves by any read endpoint.
create table dash.gateway_credentials (
  gateway_id text primary key references dash.gateways (id),
  sealed_token bytea not null,
  updated_at timestamptz not null default now()
);

-- Unclean starts of managed gateways, for the restart budget.
create table dash.gateway_starts (
  gateway_id text not null references dash.gateways (id),
  started_at timestamptz not null default now(),
  reason text not null
);
create index gateway_starts_recent on dash.gateway_starts (gateway_id, started_at);

-- A conversation with one writer. `gateway_id` is set by the first claim; once something may have been sent there
-- (`touched`) it moves only by an audited migration.
create table dash.sessions (
  id bigint generated always as identity primary key,
  tenant text not null references dash.tenants (id),
  key text not null check (key ~ '^[a-z0-9._-]{1,100}$'),
  gateway_id text references dash.gateways (id),
  touched boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant, key)
);
create index sessions_gateway on dash.sessions (gateway_id) where gateway_id is not null;

create table dash.swarms (
  id text primary key,
  seq bigint not null unique,
  tenant text not null references dash.tenants (id),
  name text not null,
  spec jsonb not null,
  state text not null check (state in ('running', 'paused', 'completed', 'failed', 'cancelled')),
  on_failure text not null check (on_failure in ('fail-fast', 'continue')),
  state_reason text,
  max_parallel integer not null check (max_parallel > 0),
  -- P31: news since the workflow last read; set by accept too, so that a swarm without a workflow is found
  dirty boolean not null default true,
  dirty_since timestamptz not null default now(),
  cancel_requested boolean not null default false,
  workflow_id text not null,
  idempotency_key text,
  request_hash text,
  correlation_id text not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create unique index swarms_idempotency on dash.swarms (tenant, idempotency_key) where idempotency_key is not null;
create index swarms_open on dash.swarms (id) where state in ('running', 'paused');
create index swarms_tenant_seq on dash.swarms (tenant, seq desc);

create table dash.swarm_nodes (
  swarm_id text not null references dash.swarms (id),
  node_id text not null,
  ordinal integer not null,
  depends_on text[] not null default '{}',
  -- the task as specified, prompt with its references to other nodes' outputs
  template jsonb not null,
  -- waiting: not admitted; admitted: has a task; skipped: will never have one
  state text not null default 'waiting'
    check (state in ('waiting', 'admitted', 'completed', 'failed', 'skipped')),
  task_id text,
  reason text,
  primary key (swarm_id, node_id)
);
create unique index swarm_nodes_task on dash.swarm_nodes (task_id) where task_id is not null;

-- Large texts (outputs over 64 KiB), out of the way of the rows that are scanned.
create table dash.blobs (
  id bigint generated always as identity primary key,
  body text not null
);

create table dash.tasks (
  -- part of run ids and session keys, which gateways lower-case
  id text primary key check (id ~ '^[a-z0-9_-]{1,60}$'),
  -- that of its accepted event: follows commit order (P5)
  seq bigint not null unique,
  tenant text not null references dash.tenants (id),
  pool text not null references dash.pools (id),
  session_id bigint references dash.sessions (id),
  session_key text,
  agent text not null,
  prompt text not null,
  priority smallint not null check (priority between 1 and 5),
  -- priority after inheritance in its session (and ageing, bump)
  effective_priority smallint not null check (effective_priority between 1 and 5),
  state text not null check (state in (
    'held', 'scheduled', 'waiting', 'blocked', 'queued', 'backoff', 'dispatched', 'deciding',
    'completed', 'cancelled', 'expired', 'dead')),
  open boolean not null generated always as
    (state not in ('completed', 'cancelled', 'expired', 'dead')) stored,
  -- blocked: conflict; dead: attempts, permanent, discarded, budget; others: null
  state_reason text,
  -- scheduled, backoff: when it becomes claimable
  due_at timestamptz,
  -- queue-time limit (of the first attempt) and deadline, absolute; null: none
  queue_expires_at timestamptz,
  deadline_at timestamptz,
  run_limit_seconds integer not null default 3600 check (run_limit_seconds > 0),
  max_attempts integer not null default 3 check (max_attempts between 1 and 100),
  idempotent boolean not null default false,
  -- only this one may claim it: the session's, or where an attempt was made that may not be repeated elsewhere (P27)
  pinned_gateway text references dash.gateways (id),
  idempotency_key text,
  request_hash text,
  swarm_id text references dash.swarms (id),
  node_id text,
  replay_of text references dash.tasks (id),
  workflow_id text not null,
  -- P28: why it is to end early: cancelled, expired, budget
  cancel_requested text check (cancel_requested in ('cancelled', 'expired', 'budget')),
  cancel_requested_at timestamptz,
  last_attempt integer not null default 0,
  output text,
  output_blob bigint references dash.blobs (id),
  usage jsonb,
  failure jsonb,
  correlation_id text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz
);
create unique index tasks_idempotency on dash.tasks (tenant, idempotency_key) where idempotency_key is not null;
create unique index tasks_swarm_node on dash.tasks (swarm_id, node_id) where swarm_id is not null;
-- P11: candidates of a pool, and heads pinned to a gateway
create index tasks_claimable on dash.tasks (pool, effective_priority, tenant, seq)
  where state = 'queued' and pinned_gateway is null;
create index tasks_claimable_pinned on dash.tasks (pinned_gateway, pool, effective_priority, tenant, seq)
  where state = 'queued' and pinned_gateway is not null;
-- P3: the open tasks of a session in their order, and the most urgent one that waits in it
create index tasks_session_open on dash.tasks (session_id, seq) where open and session_id is not null;
create index tasks_session_waiting on dash.tasks (session_id, priority)
  where state = 'waiting' and session_id is not null;
-- P8: what is due next
create index tasks_due on dash.tasks (due_at) where state = 'scheduled';
create index tasks_expiry on dash.tasks (least(queue_expires_at, deadline_at))
  where state in ('held', 'scheduled', 'waiting', 'blocked', 'queued', 'backoff')
    and (queue_expires_at is not null or deadline_at is not null);
create index tasks_open_state on dash.tasks (state, pool, effective_priority, created_at) where open;
create index tasks_swarm on dash.tasks (swarm_id, seq) where swarm_id is not null;
create index tasks_tenant_seq on dash.tasks (tenant, seq desc);
create index tasks_state_seq on dash.tasks (state, seq desc);
create index tasks_cancel_requested on dash.tasks (id) where cancel_requested is not null and open;
create index tasks_pinned on dash.tasks (pinned_gateway) where pinned_gateway is not null and open;

-- One try of a task on one gateway. Open: planned, sending, accepted, indeterminate.
create table dash.attempts (
  id uuid primary key,
  task_id text not null references dash.tasks (id),
  number integer not null check (number > 0),
  tenant text not null,
  session_id bigint references dash.sessions (id),
  gateway_id text not null references dash.gateways (id),
  owner_epoch bigint not null,
  state text not null check (state in
    ('planned', 'sending', 'accepted', 'indeterminate', 'closed', 'released')),
  open boolean not null generated always as (state not in ('closed', 'released')) stored,
  holds_lane boolean not null default true,
  -- own run ids in the order of their sends; runs of the gateway's own recovery that were adopted
  run_ids text[] not null default '{}',
  recovery_run_ids text[] not null default '{}',
  -- where the last send went
  boot_id text,
  state_id text,
  outcome text check (outcome in ('succeeded', 'failed', 'cancelled', 'expired', 'discarded')),
  failure jsonb,
  -- why the outcome cannot be known, and what was seen: for the person who decides
  indeterminate_reason text,
  evidence jsonb,
  -- what that person decided: the first decision counts (P29)
  decision jsonb,
  decided_by text,
  decided_at timestamptz,
  usage jsonb,
  -- router's score and reasons (P12)
  route jsonb not null default '{}',
  -- unexpected errors of runTask, bounded (P19)
  unexpected integer not null default 0,
  unexpected_message text,
  release_reason text,
  planned_at timestamptz not null default now(),
  delivered_at timestamptz,
  sending_at timestamptz,
  accepted_at timestamptz,
  indeterminate_at timestamptz,
  closed_at timestamptz,
  unique (task_id, number),
  check ((state = 'closed') = (outcome is not null)),
  check (not holds_lane or state not in ('closed', 'released'))
);
-- P1
create unique index attempts_one_open_per_task on dash.attempts (task_id) where open;
create unique index attempts_one_open_per_session on dash.attempts (session_id)
  where open and session_id is not null;
create index attempts_lanes on dash.attempts (gateway_id, tenant) where holds_lane;
create index attempts_open_gateway on dash.attempts (gateway_id, state) where open;

-- P14: stride scheduling. `pass` of a tenant in a level of a pool, and of the level itself (tenant '').
create table dash.passes (
  pool text not null,
  level smallint not null,
  tenant text not null,
  pass bigint not null,
  primary key (pool, level, tenant)
);

-- Tasks per tenant, pool and submitted priority, kept by accept and settle: the bounds of P7 and the metrics of
-- what has ended. Room on the pages for updates in place.
create table dash.task_counts (
  tenant text not null,
  pool text not null,
  priority smallint not null,
  open integer not null default 0 check (open >= 0),
  completed bigint not null default 0,
  cancelled bigint not null default 0,
  expired bigint not null default 0,
  dead bigint not null default 0,
  primary key (tenant, pool, priority)
) with (fillfactor = 50);

-- Ended attempts by outcome (or 'released') and class of failure ('': none).
create table dash.attempt_counts (
  outcome text not null,
  failure_class text not null,
  count bigint not null default 0,
  primary key (outcome, failure_class)
) with (fillfactor = 50);

create table dash.dead_letters (
  task_id text primary key references dash.tasks (id),
  reason text not null,
  state text not null default 'open' check (state in ('open', 'replayed', 'discarded')),
  replay_task_id text references dash.tasks (id),
  created_at timestamptz not null default now(),
  resolved_at timestamptz,
  resolved_by text
);
create index dead_letters_open on dash.dead_letters (created_at) where state = 'open';

-- Append-only; `seq` follows commit order (P5). No foreign keys: events outlive what they tell of.
create sequence dash.events_seq;
create table dash.events (
  seq bigint primary key,
  at timestamptz not null default clock_timestamp(),
  type text not null,
  tenant text,
  task_id text,
  attempt_id uuid,
  swarm_id text,
  session_key text,
  gateway_id text,
  correlation_id text,
  actor text,
  data jsonb not null default '{}'
);
create index events_task on dash.events (task_id, seq) where task_id is not null;
create index events_swarm on dash.events (swarm_id, seq) where swarm_id is not null;
create index events_gateway on dash.events (gateway_id, seq) where gateway_id is not null;

create table dash.api_keys (
  id text primary key,
  name text not null,
  secret_hash bytea not null,
  tenant text references dash.tenants (id),
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);

-- What reconcile found and did, newest kept for people; counted in metrics.
create table dash.reconcile_findings (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  kind text not null,
  subject text not null,
  detail jsonb not null default '{}',
  repaired boolean not null
);
create index reconcile_findings_at on dash.reconcile_findings (at);
create index reconcile_findings_kind on dash.reconcile_findings (kind, repaired);

-- A gateway with a free lane, while a claim fills lanes.
create type dash.free_gateway as (
  id text,
  owner_epoch bigint,
  lanes integer,
  score double precision,
  reasons jsonb,
  allowed_tenants text[],
  pools text[]
);

-- A task that could be claimed next; `gateway_id` when it is pinned.
create type dash.candidate as (
  task_id text,
  pool text,
  gateway_id text,
  level smallint,
  tenant text,
  seq bigint
);

insert into dash.tenants (id) values ('default');
insert into dash.pools (id) values ('default');
insert into dash.installation (id, stream)
select string_agg(substr('abcdefghijklmnopqrstuvwxyz234567', 1 + (get_byte(uuid_send(gen_random_uuid()), 0) % 32), 1), ''),
       replace(gen_random_uuid()::text, '-', '')
from generate_series(1, 8);
