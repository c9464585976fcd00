-- Work that a workflow of Temporal has submitted and waits for. `key` makes it one piece of work however often it is
-- asked for; either a task or a swarm, or neither: it was withdrawn before it was accepted.
create table dash.submissions (
  key text primary key,
  workflow_id text not null,
  run_id text not null,
  task_id text references dash.tasks (id),
  swarm_id text references dash.swarms (id),
  -- why there is no work
  refusal text,
  created_at timestamptz not null default now(),
  -- when the work ended, and when its workflow was told so
  ended_at timestamptz,
  told_at timestamptz,
  check (num_nonnulls(task_id, swarm_id, refusal) = 1)
);
create unique index submissions_task on dash.submissions (task_id) where task_id is not null;
create unique index submissions_swarm on dash.submissions (swarm_id) where swarm_id is not null;
create unique index submissions_run on dash.submissions (workflow_id, run_id);
create index submissions_untold on dash.submissions (ended_at) where ended_at is not null and told_at is null;
