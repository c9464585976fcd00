-- The head of a session is its first open task in the order of acceptance; no other may be claimed. While the head
-- waits itself it has the highest priority that waits in the session, and the session's gateway. In a session that
-- was set apart the head is blocked, so nothing of it can be claimed.

-- Makes the head what it should be. The caller holds the session's row (P3) and has nothing left to lock but the
-- event lock: of the session's tasks only one that nobody has dispatched is written, and whoever would lock that
-- holds the session first. Answers whether a task became claimable.
create or replace function dash.refresh_session(p_session_id bigint) returns boolean
language plpgsql as $$
declare
  v_session dash.sessions;
  v_before dash.tasks;
  v_head dash.tasks;
  v_level smallint;
  v_state text;
begin
  select * into v_before from dash.tasks where session_id = p_session_id and open order by seq limit 1;
  if not found or v_before.state in ('dispatched', 'deciding') then
    return false;
  end if;
  select * into v_session from dash.sessions where id = p_session_id;
  select least(v_before.priority, v_before.raised_priority, min(least(priority, raised_priority))) into v_level
  from dash.tasks
  where session_id = p_session_id and state = 'waiting';
  v_state := dash.state_of_head(v_before, v_session);
  if (v_state, v_level, v_session.gateway_id)
     is not distinct from (v_before.state, v_before.effective_priority, v_before.pinned_gateway) then
    return false;
  end if;
  update dash.tasks set
    state = v_state, effective_priority = v_level, pinned_gateway = v_session.gateway_id, updated_at = now(),
    state_reason = case
      when v_state = state then state_reason
      when v_state = 'blocked' then 'quarantine' end
  where id = v_before.id returning * into v_head;
  if v_state = 'queued' then
    perform dash.emit_task('task.queued', v_head, p_data => jsonb_build_object('effectivePriority', v_level));
    perform dash.hint_work();
  elsif v_state <> v_before.state then
    perform dash.emit_task(
      'task.' || v_state, v_head, p_data => jsonb_strip_nulls(jsonb_build_object('reason', v_head.state_reason)));
  end if;
  return v_state = 'queued';
end $$;

-- What waits only for its session may be claimed, unless the session was set apart, or a paused swarm holds it.
create or replace function dash.state_of_head(t dash.tasks, s dash.sessions) returns text
language sql stable as $$
  select case
    when t.state in ('waiting', 'queued') and s.quarantined_at is not null then 'blocked'
    when t.state = 'waiting' then 'queued'
    when t.state = 'blocked' and t.state_reason = 'quarantine' and s.quarantined_at is null then
      case when dash.is_paused(t.swarm_id) then 'held' else 'queued' end
    else t.state
  end
$$;

create or replace function dash.get_session(p jsonb) returns jsonb
language sql stable as $$
  select dash.session_json(s) || jsonb_build_object('tasks', (
    select coalesce(jsonb_agg(dash.task_summary(t) order by t.seq), '[]')
    from dash.tasks t where t.session_id = s.id and t.open))
  from dash.sessions s where s.tenant = p->>'tenant' and s.key = p->>'key'
$$;

create or replace function dash.list_sessions(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.session_json(s) order by s.id desc), '[]') from (
    select * from dash.sessions s
    where (p->>'tenant' is null or s.tenant = p->>'tenant')
      and (p->>'gatewayId' is null or s.gateway_id = p->>'gatewayId')
      and (p->>'before' is null or s.id < (p->>'before')::bigint)
    order by s.id desc limit (p->>'limit')::integer) s
$$;
