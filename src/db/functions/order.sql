-- What raises a task that waits: a person (bump) and time (ageing). Both take the claim lock (P9), and both write
-- `raised_priority`, so that the session's inheritance keeps it. src/db/bump.ts, due.ts.

-- From now on a task ages that comes into the queue.
create or replace function dash.begin_ageing() returns trigger
language plpgsql as $$
begin
  new.ages_from := now();
  return new;
end $$;

create or replace trigger tasks_begin_ageing before update of state on dash.tasks
  for each row when (new.state = 'queued' and old.state <> 'queued') execute function dash.begin_ageing();
create or replace trigger tasks_begin_ageing_at_once before insert on dash.tasks
  for each row when (new.state = 'queued') execute function dash.begin_ageing();

create or replace function dash.bump_task(p jsonb) returns jsonb
language plpgsql as $$
declare
  t dash.tasks;
  v_level smallint := (p->>'priority')::smallint;
  v_before smallint;
begin
  perform dash.lock_claims();
  t := dash.lock_task(p->>'taskId');
  if t.id is null then
    return jsonb_build_object('kind', 'not-found');
  elsif t.state not in ('held', 'scheduled', 'waiting', 'blocked', 'queued', 'backoff') then
    return jsonb_build_object('kind', 'not-waiting', 'state', t.state);
  elsif v_level >= least(t.priority, t.raised_priority) then
    return jsonb_build_object('kind', 'unchanged');
  end if;
  v_before := t.effective_priority;
  update dash.tasks set
    raised_priority = v_level, effective_priority = least(effective_priority, v_level), updated_at = now()
  where id = t.id returning * into t;
  perform dash.emit_task('task.raised', t, p_actor => p->>'actor', p_data => jsonb_strip_nulls(jsonb_build_object(
    'by', 'bump', 'from', v_before, 'effectivePriority', t.effective_priority, 'reason', p->'reason')));
  if t.session_id is not null then
    perform dash.refresh_session(t.session_id);
  end if;
  return jsonb_build_object('kind', 'raised');
end $$;

-- One batch: those that have waited longest for their next level, one level up, never above high. Session rows
-- first, then tasks, each by id; only claims lock several of a kind too, and they wait at the claim lock.
create or replace function dash.age_queued(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_due text[];
begin
  perform dash.lock_claims();
  v_due := dash.due_to_age((p->>'limit')::integer);
  if cardinality(v_due) = 0 then
    return '{"aged": 0}';
  end if;
  perform 1 from dash.sessions
  where id in (select session_id from dash.tasks where id = any(v_due)) order by id for no key update;
  perform 1 from dash.tasks where id = any(v_due) order by id for no key update;
  with raised as (
    update dash.tasks set
      raised_priority = effective_priority - 1, effective_priority = effective_priority - 1,
      ages_from = ages_from + make_interval(secs => (select ageing_seconds from dash.installation)),
      updated_at = now()
    where id = any(v_due) and state = 'queued' and effective_priority > 2 returning id)
  select array_agg(id) into v_due from raised;
  perform dash.emit_aged(v_due);
  return jsonb_build_object('aged', coalesce(cardinality(v_due), 0));
end $$;

-- Held to its index, whatever the statistics say.
create or replace function dash.due_to_age(p_limit integer) returns text[]
language plpgsql set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off as $$
begin
  return array(
    select id from dash.tasks
    where state = 'queued' and effective_priority > 2
      and ages_from <= now() - make_interval(secs => (select ageing_seconds from dash.installation))
    order by ages_from limit p_limit);
end $$;

-- The events of a batch, in the order of acceptance, under one lock.
create or replace function dash.emit_aged(p_ids text[]) returns void
language plpgsql as $$
declare
  v_last bigint;
begin
  if p_ids is null then
    return;
  end if;
  perform pg_advisory_xact_lock(7410, 2);
  with aged as (select * from dash.tasks where id = any(p_ids) order by seq),
  told as (
    insert into dash.events (seq, type, tenant, task_id, swarm_id, session_key, correlation_id, data)
    select nextval('dash.events_seq'), 'task.raised', tenant, id, swarm_id, session_key, correlation_id,
      jsonb_build_object('by', 'ageing', 'from', effective_priority + 1, 'effectivePriority', effective_priority)
    from aged returning seq)
  select max(seq) into v_last from told;
  perform pg_notify('dash_events', v_last::text);
end $$;
