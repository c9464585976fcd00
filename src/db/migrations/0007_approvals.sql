-- What waits for a person's word: a task that is held for it, or a step of a swarm that is nothing else.
create table dash.approvals (
  id text primary key check (id ~ '^[a-z0-9_-]{1,80}$'),
  -- that of its requested event
  seq bigint not null unique,
  tenant text not null references dash.tenants (id),
  -- either the task, or the swarm with its node
  task_id text references dash.tasks (id),
  swarm_id text references dash.swarms (id),
  node_id text,
  -- what is asked; null: the task's own prompt speaks for itself
  prompt text,
  -- withdrawn: what it was for ended before anybody decided
  state text not null default 'open' check (state in ('open', 'approved', 'rejected', 'withdrawn')),
  -- names of API keys, or actors; null: whoever may write approvals
  approvers text[],
  expires_in_seconds integer check (expires_in_seconds > 0),
  expires_at timestamptz,
  on_expiry text not null check (on_expiry in ('reject', 'approve', 'escalate')),
  escalate_to text[],
  escalate_after_seconds integer check (escalate_after_seconds > 0),
  escalated_at timestamptz,
  requested_by text,
  -- null with a decision: time decided
  decided_by text,
  decided_at timestamptz,
  comment text,
  correlation_id text not null,
  created_at timestamptz not null default now(),
  check ((task_id is null) <> (node_id is null)),
  check ((node_id is null) or (swarm_id is not null)),
  check ((on_expiry = 'escalate') = (escalate_to is not null))
);
create unique index approvals_task on dash.approvals (task_id) where task_id is not null;
create unique index approvals_step on dash.approvals (swarm_id, node_id) where node_id is not null;
create index approvals_tenant_seq on dash.approvals (tenant, seq desc);
create index approvals_open on dash.approvals (seq) where state = 'open';
-- P8: what expires next
create index approvals_due on dash.approvals (expires_at) where state = 'open' and expires_at is not null;

-- Of a task that needs or needed one. While it is missing the task is `held` with the reason `approval`.
alter table dash.tasks add column approval_id text;

-- approval: a step without a task, which a person completes; its output is what that person wrote.
alter table dash.swarm_nodes
  add column kind text not null default 'task' check (kind in ('task', 'approval')),
  add column approval_id text,
  add column output text;
