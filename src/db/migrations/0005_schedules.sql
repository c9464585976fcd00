-- Work that is admitted again and again. The row is the truth; a Schedule of Temporal follows it.
create table dash.schedules (
  id text primary key check (id ~ '^[a-z0-9_-]{1,60}$'),
  seq bigint generated always as identity unique,
  tenant text not null references dash.tenants (id),
  name text not null,
  -- what is admitted each time, as it was written
  work_kind text not null check (work_kind in ('task', 'swarm')),
  work jsonb not null,
  cron text,
  every_seconds integer check (every_seconds > 0),
  time_zone text not null,
  overlap text not null check (overlap in ('skip', 'buffer-one', 'allow-all', 'cancel-other')),
  catchup_seconds integer not null check (catchup_seconds >= 10),
  paused boolean not null,
  note text,
  -- counts the changes: Temporal's Schedule names the one that it follows
  revision integer not null default 1,
  -- why Temporal does not take it
  problem text,
  idempotency_key text,
  request_hash text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  check (num_nonnulls(cron, every_seconds) = 1)
);
create unique index schedules_idempotency on dash.schedules (tenant, idempotency_key)
  where idempotency_key is not null;

alter table dash.tasks add column schedule_id text references dash.schedules (id);
alter table dash.swarms add column schedule_id text references dash.schedules (id);
create index tasks_schedule on dash.tasks (schedule_id, seq) where schedule_id is not null;
create index swarms_schedule on dash.swarms (schedule_id, seq) where schedule_id is not null;

-- Work that was submitted by a workflow of Temporal, which waits for it, or by a schedule. `key` makes it one piece of
-- work however often it is asked for; either a task or a swarm, or neither, and then why not.
create table dash.submissions (
  key text primary key,
  -- who waits; null: nobody
  workflow_id text,
  run_id text,
  schedule_id text references dash.schedules (id),
  -- the time for which it was due; null: a person asked for it
  scheduled_at timestamptz,
  task_id text references dash.tasks (id),
  swarm_id text references dash.swarms (id),
  refusal text,
  created_at timestamptz not null default now(),
  -- when the work ended, and when its workflow was told so
  ended_at timestamptz,
  told_at timestamptz,
  check (num_nonnulls(task_id, swarm_id, refusal) = 1),
  check (num_nonnulls(workflow_id, run_id) in (0, 2))
);
create unique index submissions_task on dash.submissions (task_id) where task_id is not null;
create unique index submissions_swarm on dash.submissions (swarm_id) where swarm_id is not null;
create index submissions_run on dash.submissions (workflow_id, run_id) where workflow_id is not null;
create index submissions_schedule on dash.submissions (schedule_id, created_at) where schedule_id is not null;
create index submissions_untold on dash.submissions (ended_at)
  where ended_at is not null and told_at is null and workflow_id is not null;
