-- Dashboard chains: src/db/chain-store.ts.

create or replace function dash.chain_json(c dash.chains) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'gatewayId', c.gateway_id, 'endpoint', g.endpoint, 'settings', c.settings, 'revision', c.revision,
    'pause', dash.pause_of(c), 'verdict', c.verdict, 'flapping', c.flapping,
    'placedOrigins', c.placed_origins, 'plan', c.plan, 'verdictAt', dash.iso(c.verdict_at), 'episodeSince', dash.iso(c.episode_since),
    'gateway', jsonb_build_object(
      'kind', g.kind, 'state', g.state, 'desiredState', g.desired_state,
      'stateChangedAt', dash.iso(g.state_changed_at), 'allowedTenants', g.allowed_tenants),
    'createdAt', dash.iso(c.created_at), 'updatedAt', dash.iso(c.updated_at))
  from dash.gateways g where g.id = c.gateway_id
$$;

-- A pause whose end has come is none.
create or replace function dash.pause_of(c dash.chains) returns jsonb
language sql stable as $$
  select c.pause where c.pause is not null
    and (c.pause->>'until' is null or (c.pause->>'until')::timestamptz > clock_timestamp())
$$;

create or replace function dash.get_chain(p jsonb) returns jsonb
language sql stable as $$
  select dash.chain_json(c) from dash.chains c where c.gateway_id = p->>'gatewayId'
$$;

create or replace function dash.list_chains(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.chain_json(c) order by c.gateway_id), '[]') from dash.chains c
$$;

-- The same settings again change nothing: what was seen of the chain stays.
create or replace function dash.put_chain(p jsonb) returns jsonb
language plpgsql as $$
declare
  g dash.gateways;
  c dash.chains;
begin
  select * into g from dash.gateways where id = p->>'gatewayId' for share;
  if g.id is null or g.state = 'removed' then
    return jsonb_build_object('kind', case when g.id is null then 'not-found' else 'removed' end);
  end if;
  select * into c from dash.chains where gateway_id = g.id for update;
  if c.settings is distinct from p->'settings' then
    insert into dash.chains as x (gateway_id, settings) values (g.id, p->'settings')
    on conflict (gateway_id) do update set
      settings = excluded.settings, revision = excluded.revision, updated_at = clock_timestamp()
    returning * into c;
    perform dash.emit_gateway('chain.set', g.id, p->>'actor', jsonb_build_object('settings', c.settings));
  end if;
  return jsonb_build_object('kind', 'ok', 'chain', dash.chain_json(c));
end $$;

create or replace function dash.remove_chain(p jsonb) returns jsonb
language plpgsql as $$
declare
  c dash.chains;
begin
  delete from dash.chains where gateway_id = p->>'gatewayId' returning * into c;
  if c.gateway_id is null then
    return jsonb_build_object('kind', 'not-found');
  end if;
  perform dash.emit_gateway(
    'chain.removed', c.gateway_id, p->>'actor', jsonb_build_object('placedOrigins', c.placed_origins));
  return jsonb_build_object('kind', 'ok', 'placedOrigins', c.placed_origins);
end $$;

-- `pause` null: it goes on. Repeating a wish changes nothing.
create or replace function dash.pause_chain(p jsonb) returns jsonb
language plpgsql as $$
declare
  c dash.chains;
  v_pause jsonb := dash.json_value(p->'pause') || jsonb_build_object('by', p->>'actor');
begin
  select * into c from dash.chains where gateway_id = p->>'gatewayId' for update;
  if c.gateway_id is null then
    return jsonb_build_object('kind', 'not-found');
  end if;
  if coalesce(dash.pause_of(c) - 'at', 'null') <> coalesce(v_pause, 'null') then
    update dash.chains set
      pause = v_pause || jsonb_build_object('at', dash.iso(clock_timestamp())), updated_at = clock_timestamp()
    where gateway_id = c.gateway_id returning * into c;
    perform dash.emit_gateway(
      case when v_pause is null then 'chain.resumed' else 'chain.paused' end, c.gateway_id, p->>'actor',
      coalesce(v_pause - 'by', '{}'));
  end if;
  return jsonb_build_object('kind', 'ok', 'chain', dash.chain_json(c));
end $$;

-- False: another host has taken the gateway since; null: it is not a host that asks.
create or replace function dash.is_owner(p jsonb) returns boolean
language sql stable as $$
  select p->>'ownerEpoch' is null
    or exists (select from dash.gateways where id = p->>'gatewayId' and owner_epoch = (p->>'ownerEpoch')::integer)
$$;

-- What a watch says of it from now on. Made with settings that have changed since, or by a host that has been
-- superseded: it is not written.
create or replace function dash.record_chain(p jsonb) returns jsonb
language plpgsql as $$
declare
  c dash.chains;
  v_before jsonb;
  v_verdict jsonb := dash.json_value(p->'verdict');
  v_flapping text[] := dash.text_array(p->'flapping');
  v_since timestamptz := (p->>'episodeSince')::timestamptz;
begin
  select * into c from dash.chains where gateway_id = p->>'gatewayId' for update;
  if c.gateway_id is null then
    return jsonb_build_object('kind', 'not-found');
  elsif not dash.is_owner(p) then
    return jsonb_build_object('kind', 'superseded');
  elsif c.revision <> (p->>'revision')::bigint then
    return jsonb_build_object('kind', 'changed');
  end if;
  v_before := jsonb_build_object(
    'verdict', c.verdict, 'flapping', c.flapping, 'episodeSince', dash.iso(c.episode_since));
  update dash.chains set
    verdict = v_verdict, flapping = v_flapping, verdict_at = (p->>'at')::timestamptz, episode_since = v_since
  where gateway_id = c.gateway_id;
  if v_before is distinct from jsonb_build_object(
    'verdict', v_verdict, 'flapping', v_flapping, 'episodeSince', dash.iso(v_since))
  then
    perform dash.emit_gateway('chain.verdict', c.gateway_id, null, jsonb_build_object(
      'diagnosis', p->'diagnosis', 'links', v_verdict, 'flapping', v_flapping,
      'episode', case
        when c.episode_since is null and v_since is not null then 'began'
        when c.episode_since is not null and v_since is null then 'ended' end));
  end if;
  return jsonb_build_object('kind', 'ok');
end $$;

-- What is to be done about it. The same again changes nothing.
create or replace function dash.put_chain_plan(p jsonb) returns jsonb
language sql as $$
  update dash.chains set plan = p->'plan'
  where gateway_id = p->>'gatewayId' and plan is distinct from p->'plan';
  select jsonb_build_object('kind', 'ok')
$$;

-- Before they are written to the gateway: what was never placed is never taken away.
create or replace function dash.place_origins(p jsonb) returns jsonb
language plpgsql as $$
begin
  update dash.chains set placed_origins = dash.text_array(p->'origins')
  where gateway_id = p->>'gatewayId' and dash.is_owner(p);
  return jsonb_build_object('kind', case when found then 'ok' else 'superseded' end);
end $$;

-- An action, and whether it helped.
create or replace function dash.record_chain_action(p jsonb) returns jsonb
language plpgsql as $$
begin
  if exists (select from dash.chains where gateway_id = p->>'gatewayId') then
    perform dash.emit_gateway('chain.action', p->>'gatewayId', p->>'actor', p->'action');
  end if;
  return jsonb_build_object('kind', 'ok');
end $$;

-- Milliseconds since the epoch, oldest first, of the starts that count against the gateway's budget.
create or replace function dash.recent_starts(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(floor(extract(epoch from started_at) * 1000) order by started_at), '[]')
  from dash.gateway_starts
  where gateway_id = p->>'gatewayId'
    and started_at > clock_timestamp() - make_interval(secs => (p->>'withinSeconds')::integer)
$$;

-- What has happened to it, newest first.
create or replace function dash.chain_history(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.event_json(e) order by e.seq desc), '[]') from (
    select * from dash.events
    where gateway_id = p->>'gatewayId' and type like 'chain.%'
    order by seq desc limit (p->>'limit')::integer) e
$$;
