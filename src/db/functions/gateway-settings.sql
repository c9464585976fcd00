-- What an operator sets of a gateway: src/db/gateway-settings.ts.

-- A key that is there is written, null included; one that is absent leaves the column. The claim reads it all under
-- the lock of the row (P10).
create or replace function dash.update_gateway(p jsonb) returns jsonb
language plpgsql as $$
declare
  g dash.gateways;
  v_before jsonb;
  v_changes jsonb := p->'changes';
begin
  select * into g from dash.gateways where id = p->>'gatewayId' for no key update;
  if g.id is null or g.state = 'removed' then
    return jsonb_build_object('kind', case when g.id is null then 'not-found' else 'removed' end);
  end if;
  v_before := dash.gateway_settings(g);
  update dash.gateways set
    labels = coalesce(v_changes->'labels', labels),
    capabilities = coalesce(dash.text_array(v_changes->'capabilities'), capabilities),
    region = case when v_changes ? 'region' then v_changes->>'region' else region end,
    allowed_tenants = case when v_changes ? 'allowedTenants'
      then dash.text_array(v_changes->'allowedTenants') else allowed_tenants end,
    configured_lanes = coalesce((v_changes->>'lanes')::integer, configured_lanes),
    cost_weight = coalesce((v_changes->>'costWeight')::double precision, cost_weight)
  where id = g.id returning * into g;
  if dash.gateway_settings(g) <> v_before then
    perform dash.hint_work();
    perform dash.emit_gateway('gateway.updated', g.id, p->>'actor', jsonb_build_object(
      'from', v_before, 'to', dash.gateway_settings(g)));
  end if;
  return jsonb_build_object('kind', 'updated', 'gateway', dash.gateway_json(g));
end $$;

-- What an operator sets, as the audit trail shows it.
create or replace function dash.gateway_settings(g dash.gateways) returns jsonb
language sql immutable as $$
  select jsonb_build_object(
    'labels', g.labels, 'capabilities', g.capabilities, 'region', g.region, 'allowedTenants', g.allowed_tenants,
    'lanes', g.configured_lanes, 'costWeight', g.cost_weight)
$$;
