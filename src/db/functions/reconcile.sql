-- P35: what may disagree, one function per kind, in pages ordered by id. src/db/reconcile-queries.ts.
create or replace function dash.before(p jsonb) returns timestamptz
language sql stable as $$
  select now() - make_interval(secs => (p->>'olderThanSeconds')::double precision)
$$;

create or replace function dash.stale_planned_attempts(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select a.id, jsonb_build_object(
      'attemptId', a.id, 'taskId', t.id, 'workflowId', t.workflow_id, 'gatewayId', a.gateway_id,
      'ownerHost', g.owner_host, 'isDelivered', a.delivered_at is not null,
      'plannedForMs', round(extract(epoch from clock_timestamp() - a.planned_at) * 1000)) as finding
    from dash.attempts a
    join dash.tasks t on t.id = a.task_id
    join dash.gateways g on g.id = a.gateway_id
    where a.open and a.state = 'planned' and a.planned_at < dash.before(p)
      -- P36: of a copy that was put back this says nothing. Its owner's look decides.
      and a.planned_at > (select coalesce(restored_at, '-infinity') from dash.installation)
      and (p->>'after' is null or a.id > (p->>'after')::uuid)
    order by a.id limit (p->>'limit')::integer) x
$$;

create or replace function dash.tasks_needing_workflow(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select t.id, jsonb_build_object(
      'taskId', t.id, 'workflowId', t.workflow_id, 'state', t.state, 'tenant', t.tenant, 'swarmId', t.swarm_id,
      'correlationId', t.correlation_id, 'runLimitSeconds', t.run_limit_seconds, 'attemptId', a.id,
      'attemptState', a.state, 'gatewayId', a.gateway_id) as finding
    from dash.tasks t
    join dash.attempts a on a.task_id = t.id and a.number = t.last_attempt
    where t.open and t.state in ('dispatched', 'backoff', 'deciding') and t.updated_at < dash.before(p)
      and (p->>'after' is null or t.id > p->>'after')
    order by t.id limit (p->>'limit')::integer) x
$$;

create or replace function dash.open_swarms(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select s.id, jsonb_build_object(
      'swarmId', s.id, 'workflowId', s.workflow_id, 'tenant', s.tenant, 'dirty', s.dirty) as finding
    from dash.swarms s
    where s.state in ('running', 'paused') and s.created_at < dash.before(p)
      and (p->>'after' is null or s.id > p->>'after')
    order by s.id limit (p->>'limit')::integer) x
$$;

create or replace function dash.stale_dirty_swarms(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select s.id, jsonb_build_object('swarmId', s.id, 'workflowId', s.workflow_id) as finding
    from dash.swarms s
    where s.state in ('running', 'paused') and s.dirty and s.dirty_since < dash.before(p)
      and (p->>'after' is null or s.id > p->>'after')
    order by s.id limit (p->>'limit')::integer) x
$$;

create or replace function dash.open_among(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(t.id), '[]') from dash.tasks t
  where t.id = any(dash.text_array(p->'taskIds')) and t.open
$$;

create or replace function dash.undelivered_cancels(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select t.id, jsonb_build_object(
      'taskId', t.id, 'workflowId', t.workflow_id, 'attemptId', a.id, 'gatewayId', a.gateway_id) as finding
    from dash.tasks t
    left join dash.attempts a on a.task_id = t.id and a.open
    where t.open and t.cancel_requested is not null and t.cancel_requested_at < dash.before(p)
      and (p->>'after' is null or t.id > p->>'after')
    order by t.id limit (p->>'limit')::integer) x
$$;

create or replace function dash.unapplied_decisions(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select a.id, jsonb_build_object(
      'taskId', t.id, 'attemptId', a.id, 'workflowId', t.workflow_id, 'decision', a.decision,
      'actor', a.decided_by) as finding
    from dash.attempts a
    join dash.tasks t on t.id = a.task_id
    where a.open and a.state = 'indeterminate' and a.decision is not null and a.decided_at < dash.before(p)
      and (p->>'after' is null or a.id > (p->>'after')::uuid)
    order by a.id limit (p->>'limit')::integer) x
$$;

-- One index step per session: what the first open task of each is.
create or replace function dash.sessions_without_head(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select s.id, jsonb_build_object('sessionId', s.id, 'tenant', s.tenant, 'key', s.key) as finding
    from (select distinct session_id from dash.tasks where state = 'waiting' and session_id is not null) w
    join dash.sessions s on s.id = w.session_id
    cross join lateral (
      select t.state, t.updated_at from dash.tasks t
      where t.session_id = s.id and t.open order by t.seq limit 1) head
    where head.state = 'waiting' and head.updated_at < dash.before(p)
      and (p->>'after' is null or s.id > (p->>'after')::bigint)
    order by s.id limit (p->>'limit')::integer) x
$$;

create or replace function dash.repair_session_head(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_id bigint := (p->>'sessionId')::bigint;
begin
  perform 1 from dash.sessions where id = v_id for no key update;
  return jsonb_build_object('repaired', dash.refresh_session(v_id));
end $$;

create or replace function dash.blocked_by_conflict(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select t.id, jsonb_build_object('taskId', t.id) as finding
    from dash.tasks t
    where t.open and t.state = 'blocked' and t.state_reason = 'conflict' and t.updated_at < dash.before(p)
      and not dash.has_open_attempt(t)
      and (p->>'after' is null or t.id > p->>'after')
    order by t.id limit (p->>'limit')::integer) x
$$;

create or replace function dash.has_open_attempt(t dash.tasks) returns boolean
language sql stable as $$
  select exists (select 1 from dash.attempts where open and task_id = t.id)
    or exists (select 1 from dash.attempts where open and session_id = t.session_id)
$$;

-- Numbers of attempts are never used again, also those that the task had forgotten.
create or replace function dash.repair_conflict(p jsonb) returns jsonb
language plpgsql as $$
declare
  t dash.tasks := dash.lock_task(p->>'taskId');
begin
  if t.state is distinct from 'blocked' or t.state_reason is distinct from 'conflict' or dash.has_open_attempt(t) then
    return '{"repaired": false}';
  end if;
  update dash.tasks set
    last_attempt = (select coalesce(max(number), 0) from dash.attempts where task_id = t.id)
  where id = t.id returning * into t;
  perform dash.to_queue(t, null, null);
  return '{"repaired": true}';
end $$;

create or replace function dash.silent_owners(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select g.id, jsonb_build_object(
      'gatewayId', g.id, 'ownerHost', g.owner_host, 'ownerEpoch', g.owner_epoch,
      'lastSeenAt', dash.iso(g.last_seen_at)) as finding
    from dash.gateways g
    where g.owner_host is not null and g.desired_state not in ('stopped', 'removed')
      and g.state not in ('stopped', 'unowned', 'removed', 'failed')
      and coalesce(g.last_seen_at, g.created_at) < dash.before(p)
      and (p->>'after' is null or g.id > p->>'after')
    order by g.id limit (p->>'limit')::integer) x
$$;

create or replace function dash.set_task_workflow_id(p jsonb) returns jsonb
language plpgsql as $$
begin
  update dash.tasks set workflow_id = p->>'workflowId'
  where id = p->>'taskId' and workflow_id = p->>'expected' and open;
  return jsonb_build_object('written', found);
end $$;
