-- Gateways: src/db/gateway-store.ts and gateway-ownership.ts describe arguments and answers.

create or replace function dash.register_gateway(p jsonb) returns jsonb
language plpgsql as $$
declare
  g dash.gateways;
begin
  insert into dash.gateways
    (id, kind, endpoint, profile, labels, capabilities, region, allowed_tenants, configured_lanes, cost_weight)
  values (
    p->>'id', p->>'kind', p->>'endpoint', coalesce(dash.json_value(p->'profile'), '{}'),
    coalesce(dash.json_value(p->'labels'), '{}'), coalesce(dash.text_array(p->'capabilities'), '{}'), p->>'region',
    dash.text_array(p->'allowedTenants'), (p->>'configuredLanes')::integer,
    coalesce((p->>'costWeight')::double precision, 1))
  on conflict (id) do nothing returning * into g;
  if g.id is null then
    return jsonb_build_object(
      'kind', 'exists', 'gateway', (select dash.gateway_json(x) from dash.gateways x where x.id = p->>'id'));
  end if;
  insert into dash.gateway_stats (gateway_id) values (g.id);
  if p->>'sealedToken' is not null then
    insert into dash.gateway_credentials (gateway_id, sealed_token)
    values (g.id, decode(p->>'sealedToken', 'hex'));
  end if;
  perform dash.emit_gateway('gateway.registered', g.id, p->>'actor', jsonb_build_object('kind', g.kind));
  return jsonb_build_object('kind', 'registered', 'gateway', dash.gateway_json(g));
end $$;

-- A JSON array of texts; null stays null.
create or replace function dash.text_array(p jsonb) returns text[]
language sql immutable as $$
  select case when jsonb_typeof(p) = 'array' then array(select jsonb_array_elements_text(p)) end
$$;

create or replace function dash.get_gateway(p jsonb) returns jsonb
language sql stable as $$
  select dash.gateway_json(g) from dash.gateways g where g.id = p->>'gatewayId'
$$;

create or replace function dash.list_gateways(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.gateway_json(g) order by g.id), '[]') from dash.gateways g
  where g.state <> 'removed' or (p->>'includeRemoved')::boolean
$$;

-- The row, locked, or why it may not be written: not there, removed, or the writer's epoch is another's.
create or replace function dash.lock_gateway(p jsonb, out g dash.gateways, out refusal jsonb)
language plpgsql as $$
begin
  select * into g from dash.gateways where id = p->>'gatewayId' for no key update;
  if g.id is null then
    refusal := jsonb_build_object('kind', 'not-found');
  elsif dash.is_superseded((p->>'ownerEpoch')::bigint, g) or g.state = 'removed' then
    refusal := jsonb_build_object('kind', 'superseded-owner', 'ownerEpoch', g.owner_epoch);
  end if;
end $$;

create or replace function dash.write_gateway_state(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_gateway(p);
  g dash.gateways := l.g;
begin
  if l.refusal is not null then
    return l.refusal;
  end if;
  if (g.state, g.failure, g.state_reason, g.hint)
     is not distinct from (p->>'state', p->>'failure', p->>'reason', p->>'hint') then
    update dash.gateways set last_seen_at = now() where id = g.id;
    return jsonb_build_object('kind', 'ok', 'changed', false);
  end if;
  update dash.gateways set
    state = p->>'state', failure = p->>'failure', state_reason = p->>'reason', hint = p->>'hint',
    last_seen_at = now(),
    state_changed_at = case when state = p->>'state' then state_changed_at else now() end
  where id = g.id;
  perform dash.emit_gateway('gateway.state', g.id, null, jsonb_build_object(
    'state', p->'state', 'from', g.state, 'failure', p->'failure', 'reason', p->'reason', 'hint', p->'hint'));
  return jsonb_build_object('kind', 'ok', 'changed', true);
end $$;

-- A key that is there with null writes null; one that is absent leaves the column.
create or replace function dash.record_observation(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_gateway(p);
begin
  if l.refusal is not null then
    return l.refusal;
  end if;
  update dash.gateways set
    last_seen_at = now(),
    reported_lanes = case when p ? 'reportedLanes' then (p->>'reportedLanes')::integer else reported_lanes end,
    foreign_runs = coalesce((p->>'foreignRuns')::integer, foreign_runs),
    boot_id = case when p ? 'bootId' then p->>'bootId' else boot_id end,
    state_id = case when p ? 'stateId' then p->>'stateId' else state_id end,
    version = case when p ? 'version' then p->>'version' else version end,
    protocol = case when p ? 'protocol' then (p->>'protocol')::integer else protocol end,
    process = case when p ? 'process' then dash.json_value(p->'process') else process end,
    endpoint = coalesce(p->>'endpoint', endpoint),
    health = coalesce(dash.json_value(p->'health'), health),
    health_lanes = case when p ? 'healthLanes' then (p->>'healthLanes')::integer else health_lanes end,
    health_since = case when p->'health'->>'verdict' <> coalesce(health->>'verdict', 'healthy') then now() else health_since end
  where id = p->>'gatewayId';
  return jsonb_build_object('kind', 'ok', 'changed', true);
end $$;

create or replace function dash.set_desired_state(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_gateway(p);
  g dash.gateways := l.g;
begin
  if l.refusal is not null then
    return l.refusal;
  elsif g.desired_state = p->>'desired' then
    return jsonb_build_object('kind', 'ok', 'changed', false);
  end if;
  update dash.gateways set desired_state = p->>'desired' where id = g.id;
  perform dash.emit_gateway('gateway.desired', g.id, p->>'actor', jsonb_strip_nulls(jsonb_build_object(
    'desired', p->'desired', 'from', g.desired_state, 'reason', p->'reason')));
  return jsonb_build_object('kind', 'ok', 'changed', true);
end $$;

-- P9, P38: under the claim lock, so that no claim that has begun can still take a lane there.
create or replace function dash.set_claims_open(p jsonb) returns jsonb
language plpgsql as $$
declare
  g dash.gateways;
begin
  perform dash.lock_claims();
  select * into g from dash.gateways where id = p->>'gatewayId' for no key update;
  if g.id is null then
    return jsonb_build_object('kind', 'not-found');
  elsif g.claims_open <> (p->>'open')::boolean then
    update dash.gateways set claims_open = (p->>'open')::boolean where id = g.id;
    perform dash.emit_gateway(
      'gateway.claims', g.id, null, jsonb_build_object('open', p->'open', 'reason', p->'reason'));
  end if;
  return jsonb_build_object('kind', 'ok');
end $$;

create or replace function dash.remove_gateway(p jsonb) returns jsonb
language plpgsql as $$
declare
  g dash.gateways;
  v_attempts integer;
  v_sessions integer;
  v_tasks integer;
begin
  select * into g from dash.gateways where id = p->>'gatewayId' for no key update;
  if g.id is null then
    return jsonb_build_object('kind', 'not-found');
  elsif g.state = 'removed' then
    return jsonb_build_object('kind', 'removed');
  end if;
  select count(*) into v_attempts from dash.attempts where gateway_id = g.id and open;
  select count(*) into v_sessions from dash.sessions where gateway_id = g.id;
  select count(*) into v_tasks from dash.tasks where pinned_gateway = g.id and open;
  if v_attempts + v_sessions + v_tasks > 0 then
    return jsonb_build_object(
      'kind', 'refused', 'openAttempts', v_attempts, 'pinnedSessions', v_sessions, 'pinnedTasks', v_tasks);
  end if;
  delete from dash.gateway_credentials where gateway_id = g.id;
  delete from dash.chains where gateway_id = g.id;
  update dash.gateways set
    state = 'removed', desired_state = 'removed', claims_open = false, failure = null, state_reason = null,
    hint = null, process = null, state_changed_at = now()
  where id = g.id;
  perform dash.emit_gateway('gateway.removed', g.id, p->>'actor', '{}');
  return jsonb_build_object('kind', 'removed');
end $$;

-- Before it is shown: null when there is none.
create or replace function dash.show_token(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_sealed bytea;
begin
  select sealed_token into v_sealed from dash.gateway_credentials where gateway_id = p->>'gatewayId';
  if v_sealed is null then
    return jsonb_build_object('kind', 'none');
  end if;
  perform dash.emit_gateway('gateway.token-shown', p->>'gatewayId', p->>'actor', '{}');
  return jsonb_build_object('kind', 'sealed', 'token', encode(v_sealed, 'base64'));
end $$;

create or replace function dash.allocate_owner_epoch(p jsonb) returns jsonb
language plpgsql as $$
declare
  g dash.gateways;
begin
  update dash.gateways set allocated_epoch = greatest(allocated_epoch, owner_epoch) + 1
  where id = p->>'gatewayId' and state <> 'removed' returning * into g;
  if g.id is null then
    return jsonb_build_object('kind', case
      when exists (select 1 from dash.gateways where id = p->>'gatewayId') then 'removed' else 'not-found' end);
  end if;
  return jsonb_build_object(
    'kind', 'allocated', 'ownerEpoch', g.allocated_epoch, 'gatewayKind', g.kind, 'lastHost', g.owner_host);
end $$;

-- P25: taken only if greater.
create or replace function dash.take_ownership(p jsonb) returns jsonb
language plpgsql as $$
declare
  g dash.gateways;
  v_epoch bigint := (p->>'ownerEpoch')::bigint;
begin
  select * into g from dash.gateways where id = p->>'gatewayId' for no key update;
  if g.id is null or g.state = 'removed' then
    return jsonb_build_object('kind', case when g.id is null then 'not-found' else 'removed' end);
  elsif v_epoch = g.owner_epoch and p->>'hostId' = g.owner_host then
    return jsonb_build_object('kind', 'taken');
  elsif v_epoch <= g.owner_epoch then
    return jsonb_build_object('kind', 'superseded', 'ownerEpoch', g.owner_epoch, 'ownerHost', g.owner_host);
  end if;
  update dash.gateways set
    owner_epoch = v_epoch, owner_host = p->>'hostId', allocated_epoch = greatest(allocated_epoch, v_epoch),
    last_seen_at = now()
  where id = g.id;
  perform dash.emit_gateway('gateway.owner', g.id, null, jsonb_build_object(
    'host', p->'hostId', 'epoch', v_epoch, 'from', g.owner_host));
  return jsonb_build_object('kind', 'taken');
end $$;

create or replace function dash.read_owner_epoch(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object('ownerEpoch', owner_epoch, 'ownerHost', owner_host)
  from dash.gateways where id = p->>'gatewayId'
$$;

create or replace function dash.record_start(p jsonb) returns jsonb
language sql as $$
  insert into dash.gateway_starts (gateway_id, reason) values (p->>'gatewayId', p->>'reason');
  select jsonb_build_object('kind', 'ok')
$$;


create or replace function dash.clear_starts(p jsonb) returns jsonb
language sql as $$
  delete from dash.gateway_starts where gateway_id = p->>'gatewayId';
  select jsonb_build_object('kind', 'ok')
$$;
