-- Sessions that are set apart or moved (R3, R8): src/db/session-care.ts. Whoever calls these has asked for it or is
-- the policy that a person has set; every change is an event with its actor and reason.

create or replace function dash.emit_session(p_type text, s dash.sessions, p_actor text, p_data jsonb) returns void
language plpgsql as $$
declare
  e dash.events;
begin
  e.type := p_type;
  e.tenant := s.tenant;
  e.session_key := s.key;
  e.gateway_id := s.gateway_id;
  e.actor := p_actor;
  e.data := jsonb_strip_nulls(p_data);
  perform dash.write_event(dash.next_event(), e);
end $$;

-- The session of a key, locked; a null row when there is none.
create or replace function dash.lock_known_session(p_tenant text, p_key text) returns dash.sessions
language sql as $$
  select * from dash.sessions where tenant = p_tenant and key = p_key for no key update
$$;

-- One more task of the session has ended: as many dead letters in a row as the installation allows set it apart. What
-- a person discarded, and a spent budget, say nothing about the session.
create or replace function dash.count_deaths(t dash.tasks) returns void
language plpgsql as $$
declare
  s dash.sessions;
begin
  update dash.sessions set dead_in_a_row = case t.state when 'dead' then dead_in_a_row + 1 else 0 end
  where id = t.session_id
    and (t.state = 'dead' and t.state_reason in ('attempts', 'permanent') or t.state = 'completed' and dead_in_a_row > 0)
  returning * into s;
  if t.state = 'dead' and s.dead_in_a_row >= (select quarantine_after from dash.installation) then
    perform dash.set_apart(s, s.dead_in_a_row || ' tasks of it died in a row, the last of them ' || t.id, 'policy');
  end if;
end $$;

create or replace function dash.set_apart(s dash.sessions, p_reason text, p_actor text) returns void
language plpgsql as $$
begin
  update dash.sessions set
    quarantined_at = now(), quarantine_reason = p_reason, quarantined_by = p_actor, updated_at = now()
  where id = s.id and quarantined_at is null;
  if found then
    perform dash.emit_session('session.quarantined', s, p_actor, jsonb_build_object('reason', p_reason));
  end if;
end $$;

create or replace function dash.quarantine_session(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.sessions := dash.lock_known_session(p->>'tenant', p->>'key');
begin
  if s.id is null then
    return '{"kind": "not-found"}';
  end if;
  perform dash.set_apart(s, p->>'reason', p->>'actor');
  perform dash.refresh_session(s.id);
  return '{"kind": "ok"}';
end $$;

create or replace function dash.release_session(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.sessions := dash.lock_known_session(p->>'tenant', p->>'key');
begin
  if s.id is null then
    return '{"kind": "not-found"}';
  elsif s.quarantined_at is null then
    return '{"kind": "ok"}';
  end if;
  update dash.sessions set
    quarantined_at = null, quarantine_reason = null, quarantined_by = null, dead_in_a_row = 0, updated_at = now()
  where id = s.id;
  perform dash.emit_session('session.released', s, p->>'actor', jsonb_build_object('reason', p->'reason'));
  perform dash.refresh_session(s.id);
  return '{"kind": "ok"}';
end $$;

-- To a named gateway, or (none named) to whichever claims its next task. Never while anything of the session may
-- still run where it is.
create or replace function dash.migrate_session(p jsonb) returns jsonb
language plpgsql as $$
declare
  g dash.gateways;
  s dash.sessions;
  a dash.attempts;
  v_problem text;
begin
  if p->>'gatewayId' is not null then
    select * into g from dash.gateways where id = p->>'gatewayId' for share;
  end if;
  s := dash.lock_known_session(p->>'tenant', p->>'key');
  if s.id is null then
    return '{"kind": "not-found"}';
  end if;
  v_problem := case when p->>'gatewayId' is not null then dash.problem_of_move(s, g) end;
  if v_problem is not null then
    return jsonb_build_object('kind', 'impossible', 'problem', v_problem);
  elsif s.gateway_id is not distinct from g.id then
    return '{"kind": "ok"}';
  end if;
  select * into a from dash.attempts where session_id = s.id and open;
  if a.id is not null then
    return jsonb_build_object(
      'kind', 'busy', 'attemptId', a.id, 'taskId', a.task_id, 'gatewayId', a.gateway_id, 'state', a.state);
  end if;
  perform dash.move_session(s, g.id, p->>'reason', p->>'actor');
  return '{"kind": "ok"}';
end $$;

-- `touched` keeps a gateway that a person chose when its first attempt there is released.
create or replace function dash.move_session(s dash.sessions, p_gateway_id text, p_reason text, p_actor text) returns void
language plpgsql as $$
begin
  update dash.sessions set gateway_id = p_gateway_id, touched = p_gateway_id is not null, updated_at = now()
  where id = s.id;
  perform dash.emit_session('session.migrated', s, p_actor, jsonb_build_object(
    'from', s.gateway_id, 'to', p_gateway_id, 'reason', p_reason));
  perform dash.refresh_session(s.id);
  perform dash.hint_work();
end $$;

-- Why a session cannot live on this gateway; null: it can.
create or replace function dash.problem_of_move(s dash.sessions, g dash.gateways) returns text
language sql stable as $$
  select case
    when g.id is null then 'there is no such gateway'
    when g.state = 'removed' or g.desired_state = 'removed' then 'this gateway is removed'
    when not (g.allowed_tenants is null or s.tenant = any(g.allowed_tenants)) then
      'this gateway does not work for tenant "' || s.tenant || '"'
    else (
      select 'this gateway is not in pool "' || t.pool || '", where ' || t.id || ' of this session waits'
      from dash.tasks t
      where t.session_id = s.id and t.open and not dash.gateway_json(g)->'pools' ? t.pool limit 1)
  end
$$;

-- Sessions that wait for a gateway that has failed for longer than the policy allows, and of which nothing can be done
-- twice by moving (P27). Without a policy there are none: they are held.
create or replace function dash.stranded_sessions(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select s.id, jsonb_build_object(
      'sessionId', s.id, 'tenant', s.tenant, 'key', s.key, 'gatewayId', s.gateway_id) as finding
    from dash.installation i
    join dash.gateways g on g.state in ('failed', 'removed')
      and g.state_changed_at < now() - make_interval(hours => i.migrate_sessions_after_hours)
    join dash.sessions s on s.gateway_id = g.id
    where dash.is_stranded(s) and (p->>'after' is null or s.id > (p->>'after')::bigint)
    order by s.id limit (p->>'limit')::integer) x
$$;

create or replace function dash.is_stranded(s dash.sessions) returns boolean
language sql stable as $$
  select exists (select 1 from dash.tasks where session_id = s.id and open)
    and not exists (select 1 from dash.attempts where session_id = s.id and open)
    and not exists (
      select 1 from dash.tasks t join dash.attempts a on a.task_id = t.id
      where t.session_id = s.id and t.open and not t.idempotent and a.state = 'closed' and a.run_ids <> '{}')
$$;

create or replace function dash.migrate_stranded_session(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.sessions;
begin
  select * into s from dash.sessions where id = (p->>'sessionId')::bigint for no key update;
  if s.gateway_id is distinct from p->>'gatewayId' or not dash.is_stranded(s) then
    return '{"migrated": false}';
  end if;
  perform dash.move_session(s, null, 'its gateway has failed for longer than the policy allows', 'policy');
  return '{"migrated": true}';
end $$;
