-- What becomes of work that did not end well: dead letters in bulk, sessions set apart, decisions that nobody takes.

-- quarantine_after: dead letters in a row that set a session apart (null: none do). decision_expiry_hours: after so
-- long an undecided outcome is discarded (null: never). migrate_sessions_after_hours: sessions of a gateway that is
-- gone for so long move (null: they are held).
alter table dash.installation
  add column quarantine_after integer default 3 check (quarantine_after between 1 and 1000),
  add column decision_expiry_hours integer check (decision_expiry_hours between 1 and 8760),
  add column migrate_sessions_after_hours integer check (migrate_sessions_after_hours between 1 and 8760);

alter table dash.sessions
  add column dead_in_a_row integer not null default 0,
  add column quarantined_at timestamptz,
  add column quarantine_reason text,
  add column quarantined_by text,
  add check ((quarantined_at is null) = (quarantine_reason is null));

-- A bulk replay or discard: works through the letters that match its filter and were open when it was accepted, in
-- the order of their seq; `last_seq` is the last one it has dealt with.
create table dash.bulk_operations (
  id text primary key,
  seq bigint generated always as identity unique,
  action text not null check (action in ('replay', 'discard')),
  -- whose letters; null: every tenant's
  tenant text,
  filter jsonb not null,
  edits jsonb not null default '{}',
  note text,
  state text not null default 'running' check (state in ('running', 'completed', 'cancelled')),
  total integer not null,
  done integer not null default 0,
  skipped integer not null default 0,
  last_seq bigint not null default 0,
  -- why it waits now, and null while it does not
  waiting_for text,
  actor text not null,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index bulk_operations_running on dash.bulk_operations (id) where state = 'running';

alter table dash.dead_letters
  add column note text,
  add column bulk_id text references dash.bulk_operations (id);

create index attempts_indeterminate on dash.attempts (indeterminate_at) where state = 'indeterminate';
