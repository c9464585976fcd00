-- P5: writes one event under the event lock and hints at it. The last thing that a transaction does, or followed
-- only by more events and by rows that this transaction has locked.

create or replace function dash.write_event(p_seq bigint, e dash.events) returns void
language plpgsql as $$
begin
  insert into dash.events
    (seq, type, tenant, task_id, attempt_id, swarm_id, session_key, gateway_id, correlation_id, actor, data)
  values
    (p_seq, e.type, e.tenant, e.task_id, e.attempt_id, e.swarm_id, e.session_key, e.gateway_id, e.correlation_id,
     e.actor, coalesce(e.data, '{}'));
  perform pg_notify('dash_events', p_seq::text);
end $$;

create or replace function dash.task_event(
  p_type text, t dash.tasks, p_attempt_id uuid, p_gateway_id text, p_actor text, p_data jsonb
) returns dash.events
language plpgsql stable as $$
declare
  e dash.events;
begin
  e.type := p_type;
  e.tenant := t.tenant;
  e.task_id := t.id;
  e.attempt_id := p_attempt_id;
  e.swarm_id := t.swarm_id;
  e.session_key := t.session_key;
  e.gateway_id := p_gateway_id;
  e.correlation_id := t.correlation_id;
  e.actor := p_actor;
  e.data := p_data;
  return e;
end $$;

create or replace function dash.emit_task(
  p_type text, t dash.tasks, p_attempt_id uuid default null, p_gateway_id text default null,
  p_actor text default null, p_data jsonb default '{}'
) returns void
language sql as $$
  select dash.write_event(dash.next_event(), dash.task_event(p_type, t, p_attempt_id, p_gateway_id, p_actor, p_data))
$$;

create or replace function dash.emit_attempt(
  p_type text, t dash.tasks, a dash.attempts, p_actor text default null, p_data jsonb default '{}'
) returns void
language sql as $$
  select dash.emit_task(p_type, t, a.id, a.gateway_id, p_actor, jsonb_build_object('number', a.number) || p_data)
$$;

create or replace function dash.emit_swarm(p_type text, s dash.swarms, p_actor text, p_data jsonb) returns void
language plpgsql as $$
declare
  e dash.events;
begin
  e.type := p_type;
  e.tenant := s.tenant;
  e.swarm_id := s.id;
  e.correlation_id := s.correlation_id;
  e.actor := p_actor;
  e.data := p_data;
  perform dash.write_event(dash.next_event(), e);
end $$;

create or replace function dash.emit_gateway(p_type text, p_gateway_id text, p_actor text, p_data jsonb) returns void
language plpgsql as $$
declare
  e dash.events;
begin
  e.type := p_type;
  e.gateway_id := p_gateway_id;
  e.actor := p_actor;
  e.data := p_data;
  perform dash.write_event(dash.next_event(), e);
end $$;

-- What operators set for everybody, or for one tenant.
create or replace function dash.emit_fleet(p_type text, p_tenant text, p_actor text, p_data jsonb) returns void
language plpgsql as $$
declare
  e dash.events;
begin
  e.type := p_type;
  e.tenant := p_tenant;
  e.actor := p_actor;
  e.data := p_data;
  perform dash.write_event(dash.next_event(), e);
end $$;

-- Someone may claim more than before. A hint: hosts also look every second.
create or replace function dash.hint_work() returns void
language sql as $$
  select pg_notify('dash_work', '')
$$;

-- Planned for the filter that is asked for, each time: it decides which index serves.
create or replace function dash.events_between(
  p_after bigint, p_until bigint, p_filter jsonb, p_types text[], p_limit integer
) returns jsonb
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
begin
  return (select coalesce(jsonb_agg(dash.event_json(e) order by e.seq), '[]') from (
    select * from dash.events e
    where e.seq > p_after and e.seq <= p_until
      and (p_filter->>'taskId' is null or e.task_id = p_filter->>'taskId')
      and (p_filter->>'swarmId' is null or e.swarm_id = p_filter->>'swarmId')
      and (p_filter->>'gatewayId' is null or e.gateway_id = p_filter->>'gatewayId')
      and (p_filter->>'tenant' is null or e.tenant = p_filter->>'tenant')
      and (p_filter->>'sessionKey' is null or e.session_key = p_filter->>'sessionKey')
      and (p_types is null or e.type = any(p_types))
    order by e.seq limit p_limit) e);
end $$;

-- Everything up to `upTo` was looked at in one snapshot. A filter by task, swarm or gateway uses its index; any other
-- looks at a bounded stretch, so that a rare match never makes one read long.
create or replace function dash.read_events(p jsonb) returns jsonb
language plpgsql stable as $$
declare
  v_filter jsonb := coalesce(p->'filter', '{}');
  v_limit integer := (p->>'limit')::integer;
  v_last bigint := (select coalesce(max(seq), 0) from dash.events);
  v_after bigint := greatest((p->>'after')::bigint, (select coalesce(min(seq), 1) - 1 from dash.events));
  v_until bigint := v_last;
  v_types text[];
  v_events jsonb;
begin
  if v_filter ? 'types' then
    v_types := array(select jsonb_array_elements_text(v_filter->'types'));
  end if;
  if not v_filter ?| array['taskId', 'swarmId', 'gatewayId'] then
    v_until := least(v_last, v_after + 20000);
  end if;
  v_events := dash.events_between(v_after, v_until, v_filter, v_types, v_limit);
  if jsonb_array_length(v_events) = v_limit then
    v_until := (v_events->-1->>'seq')::bigint;
  end if;
  return jsonb_build_object('events', v_events, 'upTo', greatest(v_until, (p->>'after')::bigint));
end $$;

create or replace function dash.current_seq(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object('seq', coalesce(max(seq), 0)) from dash.events
$$;
