-- Which work goes where and when: selection and tenants of pools, requirements of tasks, weights and bounds of
-- tenants, bump and ageing, the fleet's brake (P7–P14).

alter table dash.installation
  add column max_open_tasks_per_tenant integer check (max_open_tasks_per_tenant > 0),
  add column max_open_tasks_per_pool integer check (max_open_tasks_per_pool > 0),
  -- after so long in the queue a task is raised by one level
  add column ageing_seconds integer not null default 600 check (ageing_seconds > 0),
  -- while the fleet is paused: since when, by whom, why
  add column paused_at timestamptz,
  add column paused_by text,
  add column pause_reason text;

-- null: the installation's own bound or cap
alter table dash.tenants
  add column weight smallint not null default 1 check (weight between 1 and 1000),
  add column max_open_tasks integer check (max_open_tasks > 0),
  add column max_running integer check (max_running > 0);

-- A pool's gateways have all of its labels and capabilities and one of its regions (null: any); its tasks are of
-- `allowed_tenants` (null: everybody's).
alter table dash.pools
  add column match_regions text[],
  add column match_capabilities text[] not null default '{}',
  add column allowed_tenants text[];

alter table dash.tasks
  -- what was asked for instead of a pool
  add column requirements jsonb,
  -- by bump and ageing; the task's own priority is the more urgent of the two
  add column raised_priority smallint check (raised_priority between 1 and 5),
  -- since when it is in the queue, or was last raised there
  add column ages_from timestamptz,
  -- a pool is deleted when no open task is left in it; ended ones go on naming it
  drop constraint tasks_pool_fkey;

drop index dash.tasks_session_waiting;
create index tasks_session_waiting on dash.tasks (session_id, (least(priority, raised_priority)))
  where state = 'waiting' and session_id is not null;
create index tasks_ageing on dash.tasks (ages_from) where state = 'queued' and effective_priority > 2;

-- A turn of a tenant of weight 1 (dash.advance_pass): was 1.
update dash.passes set pass = pass * 1000000;

drop function if exists dash.bound_reached();
drop function if exists dash.unknown_pool(text[]);
