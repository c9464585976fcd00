-- Work that is admitted again and again. src/db/schedule-store.ts describes arguments and answers.
create or replace function dash.schedule_json(s dash.schedules) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', s.id, 'seq', s.seq, 'tenant', s.tenant, 'name', s.name, 'work', jsonb_build_object(s.work_kind, s.work),
    'cron', s.cron, 'everySeconds', s.every_seconds, 'timeZone', s.time_zone, 'overlap', s.overlap,
    'catchupSeconds', s.catchup_seconds, 'paused', s.paused, 'note', s.note, 'revision', s.revision,
    'problem', s.problem, 'createdAt', dash.iso(s.created_at), 'updatedAt', dash.iso(s.updated_at))
$$;

create or replace function dash.emit_schedule(p_type text, s dash.schedules, p_actor text) returns void
language plpgsql as $$
declare
  e dash.events;
begin
  e.type := p_type;
  e.tenant := s.tenant;
  e.actor := p_actor;
  e.data := jsonb_build_object('scheduleId', s.id, 'name', s.name, 'revision', s.revision, 'paused', s.paused);
  perform dash.write_event(dash.next_event(), e);
end $$;

create or replace function dash.create_schedule(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.schedules;
  v_refusal jsonb := dash.misplaced_node(jsonb_build_object('tenant', p->'tenant', 'nodes', p->'places'));
begin
  if p->'idempotency'->>'key' is not null then
    perform dash.lock_key('schedule/' || (p->>'tenant') || '/' || (p->'idempotency'->>'key'));
    select * into s from dash.schedules
    where tenant = p->>'tenant' and idempotency_key = p->'idempotency'->>'key';
    if found and s.request_hash = p->'idempotency'->>'requestHash' then
      return jsonb_build_object('kind', 'existing', 'schedule', dash.schedule_json(s));
    elsif found then
      return jsonb_build_object('kind', 'conflict', 'scheduleId', s.id);
    end if;
  end if;
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform dash.ensure_tenant(p->>'tenant');
  insert into dash.schedules
    (id, tenant, name, work_kind, work, cron, every_seconds, time_zone, overlap, catchup_seconds, paused, note,
     idempotency_key, request_hash)
  values
    (p->>'id', p->>'tenant', p->>'name', p->>'workKind', p->'work', p->>'cron', (p->>'everySeconds')::integer,
     p->>'timeZone', p->>'overlap', (p->>'catchupSeconds')::integer, (p->>'paused')::boolean, p->>'note',
     p->'idempotency'->>'key', p->'idempotency'->>'requestHash')
  returning * into s;
  perform dash.emit_schedule('schedule.created', s, p->>'actor');
  return jsonb_build_object('kind', 'created', 'schedule', dash.schedule_json(s));
end $$;

-- Its row, locked; a null row when there is none, or none any more.
create or replace function dash.lock_schedule(p_schedule_id text) returns dash.schedules
language plpgsql as $$
declare
  s dash.schedules;
begin
  select * into s from dash.schedules where id = p_schedule_id and deleted_at is null for no key update;
  return s;
end $$;

-- What was read is changed as a whole; whoever changed it in between has to be looked at first.
create or replace function dash.update_schedule(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.schedules := dash.lock_schedule(p->>'id');
  v_refusal jsonb := dash.misplaced_node(jsonb_build_object('tenant', s.tenant, 'nodes', p->'places'));
begin
  if s.id is null then
    return '{"kind": "not-found"}';
  elsif s.revision <> (p->>'revision')::integer then
    return '{"kind": "changed"}';
  elsif v_refusal is not null then
    return v_refusal;
  end if;
  update dash.schedules set
    name = p->>'name', work_kind = p->>'workKind', work = p->'work', cron = p->>'cron',
    every_seconds = (p->>'everySeconds')::integer, time_zone = p->>'timeZone', overlap = p->>'overlap',
    catchup_seconds = (p->>'catchupSeconds')::integer, note = p->>'note', revision = revision + 1, problem = null,
    updated_at = now()
  where id = s.id returning * into s;
  perform dash.emit_schedule('schedule.updated', s, p->>'actor');
  return jsonb_build_object('kind', 'ok', 'schedule', dash.schedule_json(s));
end $$;

create or replace function dash.pause_schedule(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.schedules := dash.lock_schedule(p->>'scheduleId');
begin
  if s.id is null then
    return '{"kind": "not-found"}';
  elsif s.paused <> (p->>'paused')::boolean then
    update dash.schedules set paused = not paused, revision = revision + 1, updated_at = now()
    where id = s.id returning * into s;
    perform dash.emit_schedule(case when s.paused then 'schedule.paused' else 'schedule.resumed' end, s, p->>'actor');
  end if;
  return jsonb_build_object('kind', 'ok', 'schedule', dash.schedule_json(s));
end $$;

-- The row stays: what it started names it.
create or replace function dash.delete_schedule(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.schedules := dash.lock_schedule(p->>'scheduleId');
begin
  if s.id is null then
    return '{"kind": "not-found"}';
  end if;
  update dash.schedules set deleted_at = now(), revision = revision + 1, updated_at = now()
  where id = s.id returning * into s;
  perform dash.emit_schedule('schedule.deleted', s, p->>'actor');
  return jsonb_build_object('kind', 'ok', 'schedule', dash.schedule_json(s));
end $$;

-- What Temporal said of this revision; null: it follows it.
create or replace function dash.set_schedule_problem(p jsonb) returns jsonb
language plpgsql as $$
begin
  update dash.schedules set problem = p->>'problem'
  where id = p->>'scheduleId' and revision = (p->>'revision')::integer and problem is distinct from p->>'problem';
  return '{"kind": "ok"}';
end $$;

create or replace function dash.get_schedule(p jsonb) returns jsonb
language sql stable as $$
  select dash.schedule_json(s) from dash.schedules s where s.id = p->>'scheduleId' and s.deleted_at is null
$$;

create or replace function dash.list_schedules(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.schedule_json(s) order by s.seq desc), '[]') from (
    select * from dash.schedules s
    where s.deleted_at is null
      and (p->>'tenant' is null or s.tenant = p->>'tenant')
      and (p->>'before' is null or s.seq < (p->>'before')::bigint)
    order by s.seq desc limit (p->>'limit')::integer) s
$$;

-- Newest first: what a schedule has started, or why it has not.
create or replace function dash.schedule_firings(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'scheduledAt', dash.iso(x.scheduled_at), 'firedAt', dash.iso(x.created_at),
    'trigger', case when x.workflow_id is null then 'person' else 'time' end, 'workflowId', x.workflow_id,
    'taskId', x.task_id, 'swarmId', x.swarm_id, 'state', coalesce(t.state, w.state), 'refusal', x.refusal)
    order by x.created_at desc, x.key desc), '[]')
  from (
    select * from dash.submissions where schedule_id = p->>'scheduleId'
    order by created_at desc, key desc limit (p->>'limit')::integer) x
  left join dash.tasks t on t.id = x.task_id
  left join dash.swarms w on w.id = x.swarm_id
$$;

-- P35: by id.
create or replace function dash.settled_schedules(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.schedule_json(s) order by s.id), '[]') from (
    select * from dash.schedules s
    where s.deleted_at is null and s.updated_at < dash.before(p) and (p->>'after' is null or s.id > p->>'after')
    order by s.id limit (p->>'limit')::integer) s
$$;

create or replace function dash.known_schedules(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(s.id), '[]') from dash.schedules s
  where s.id = any(dash.text_array(p->'scheduleIds')) and s.deleted_at is null
$$;

-- Why a firing is not to be admitted; null: nothing speaks against it. The row is kept from changing meanwhile, so
-- that nothing is admitted by time after a pause was answered. `changed`: the caller has read an older revision.
create or replace function dash.firing_refusal(p jsonb) returns text
language plpgsql as $$
declare
  s dash.schedules;
begin
  select * into s from dash.schedules where id = p->>'id' for share;
  return case
    when s.id is null or s.deleted_at is not null then 'the schedule is gone'
    when s.revision <> (p->>'revision')::integer then 'changed'
    when s.paused and not (p->>'byPerson')::boolean then 'the schedule is paused'
  end;
end $$;
