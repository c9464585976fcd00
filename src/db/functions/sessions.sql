-- The head of a session is its first open task in the order of acceptance; no other may be claimed. While the head
-- waits itself it has the highest priority that waits in the session, and the session's gateway.

-- Makes the head what it should be. The caller holds the session's row (P3) and has nothing left to lock but the
-- event lock: of the session's tasks only one that nobody has dispatched is written, and whoever would lock that
-- holds the session first. Answers whether a task became claimable.
create or replace function dash.refresh_session(p_session_id bigint) returns boolean
language plpgsql as $$
declare
  v_head dash.tasks;
  v_gateway text;
  v_level smallint;
  v_state text;
begin
  select * into v_head from dash.tasks where session_id = p_session_id and open order by seq limit 1;
  if not found or v_head.state in ('dispatched', 'deciding') then
    return false;
  end if;
  select gateway_id into v_gateway from dash.sessions where id = p_session_id;
  select least(v_head.priority, min(priority)) into v_level from dash.tasks
  where session_id = p_session_id and state = 'waiting';
  v_state := case when v_head.state = 'waiting' then 'queued' else v_head.state end;
  if (v_state, v_level, v_gateway)
     is not distinct from (v_head.state, v_head.effective_priority, v_head.pinned_gateway) then
    return false;
  end if;
  update dash.tasks
  set state = v_state, effective_priority = v_level, pinned_gateway = v_gateway, updated_at = now()
  where id = v_head.id returning * into v_head;
  if v_head.state <> 'queued' then
    return false;
  end if;
  perform dash.emit_task('task.queued', v_head, p_data => jsonb_build_object('effectivePriority', v_level));
  perform dash.hint_work();
  return true;
end $$;

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
