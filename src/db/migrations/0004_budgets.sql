-- Budgets in USD and tokens (P15). What a task may spend stands in its row; what surrounds it, in dash.budgets.

-- `name` is also the id that people use: fleet, tenant:<tenant>, session:<tenant>:<key>, swarm:<id>, and pool:<pool>,
-- which is what each task of the pool may spend that brings no budget of its own. `number` is the order in which
-- several are locked (P2), and what reservations refer to: a budget that is removed and set again is another one.
create table dash.budgets (
  number bigint generated always as identity primary key,
  name text not null unique,
  scope text not null check (scope in ('fleet', 'tenant', 'session', 'swarm', 'pool')),
  -- whose keys may see it; null: those of all tenants
  tenant text,
  limit_usd numeric check (limit_usd > 0),
  limit_tokens bigint check (limit_tokens > 0),
  -- days and months begin at midnight UTC
  period text not null check (period in ('total', 'day', 'month')),
  period_started_at timestamptz not null default now(),
  spent_usd numeric not null default 0,
  spent_tokens bigint not null default 0,
  reserved_usd numeric not null default 0 check (reserved_usd >= 0),
  reserved_tokens bigint not null default 0 check (reserved_tokens >= 0),
  -- what people were told of in this period: 0, 80, 100
  told_percent smallint not null default 0 check (told_percent in (0, 80, 100)),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check (limit_usd is not null or limit_tokens is not null)
) with (fillfactor = 50);

-- Append-only. A row is what a run had spent more than it was known to have: the same news twice adds nothing.
create table dash.spending (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  attempt_id uuid not null,
  run_id text not null,
  task_id text not null,
  tenant text not null,
  gateway_id text not null,
  usd numeric not null,
  tokens bigint not null,
  run_usd numeric not null,
  run_tokens bigint not null,
  unique (attempt_id, run_id, run_tokens, run_usd)
);
create index spending_task on dash.spending (task_id, id);

alter table dash.tasks
  add column budget_usd numeric check (budget_usd > 0),
  add column budget_tokens bigint check (budget_tokens > 0),
  -- over all attempts
  add column spent_usd numeric not null default 0,
  add column spent_tokens bigint not null default 0,
  -- blocked{budget}: the name of the budget
  add column blocked_on text;
create index tasks_blocked_budget on dash.tasks (blocked_on, effective_priority, seq)
  where state = 'blocked' and state_reason = 'budget';

alter table dash.attempts
  -- what this attempt may spend; null: no limit of its own
  add column limit_usd numeric,
  add column limit_tokens bigint,
  -- what of it is still set aside, and in which budgets
  add column reserved_usd numeric not null default 0,
  add column reserved_tokens bigint not null default 0,
  add column reserved_in bigint[] not null default '{}';
