-- A disagreement that stands is one finding that is seen again, not a new one each minute.
alter table dash.reconcile_findings rename column at to first_seen_at;
alter table dash.reconcile_findings
  add column last_seen_at timestamptz not null default now(),
  add column times integer not null default 1 check (times > 0),
  -- tells several disagreements about one subject apart
  add column part text not null default '';
update dash.reconcile_findings set last_seen_at = first_seen_at;
create index reconcile_findings_subject on dash.reconcile_findings (subject, kind, last_seen_at);

-- When the database was last declared to be a restored one (P36), and by whom.
alter table dash.installation
  add column restored_at timestamptz,
  add column restored_by text;
