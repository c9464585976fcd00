-- Facts about sessions, gateways and swarms; src/domain/why-*.ts puts them into words.
create or replace function dash.why_session(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'key', s.key, 'tenant', s.tenant, 'gatewayId', s.gateway_id,
    'waiting', greatest(0, open.tasks - 1),
    'head', (select dash.why_task_facts(h) from dash.tasks h
             where h.session_id = s.id and h.open order by h.seq limit 1))
  from dash.sessions s
  cross join lateral (
    select count(*) as tasks from (
      select 1 from dash.tasks x where x.session_id = s.id and x.open limit 1002) x) open
  where s.tenant = p->>'tenant' and s.key = p->>'key'
$$;

create or replace function dash.why_gateway(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'gateway', dash.why_gateway_row(g),
    'lanes', dash.why_lanes(g),
    'busyWith', dash.why_busy_with(g.id),
    'pinnedTasks', (select count(*) from (
      select 1 from dash.tasks t where t.state = 'queued' and t.pinned_gateway = g.id limit 1001) pinned),
    'sessions', (select count(*) from (
      select 1 from dash.sessions s where s.gateway_id = g.id limit 1001) living))
  from dash.gateways g where g.id = p->>'gatewayId'
$$;

create or replace function dash.why_swarm(p jsonb) returns jsonb
language sql stable as $$
  select dash.why_swarm_row(s) || dash.why_swarm_open(s.id) || dash.why_swarm_waiting(s.id)
    || jsonb_build_object('approvals', dash.why_swarm_approvals(s.id))
  from dash.swarms s where s.id = p->>'swarmId'
$$;

create or replace function dash.why_swarm_row(s dash.swarms) returns jsonb
language sql stable as $$
  select jsonb_build_object('swarm', jsonb_build_object(
    'id', s.id, 'name', s.name, 'tenant', s.tenant, 'state', s.state, 'stateReason', s.state_reason,
    'maxParallel', s.max_parallel, 'cancelRequested', s.cancel_requested, 'dirty', s.dirty,
    'dirtySince', dash.why_moment(s.dirty_since), 'finished', dash.why_moment(s.finished_at)))
$$;

create or replace function dash.why_swarm_open(p_swarm_id text) returns jsonb
language sql stable as $$
  with open as (
    select n.node_id, n.ordinal, t.id, t.state, t.updated_at,
           row_number() over (partition by t.state order by n.ordinal) as place
    from dash.swarm_nodes n join dash.tasks t on t.id = n.task_id
    where n.swarm_id = p_swarm_id and n.state = 'admitted' and t.open)
  select jsonb_build_object(
    'open', (select coalesce(jsonb_agg(jsonb_build_object(
               'nodeId', node_id, 'taskId', id, 'state', state, 'since', dash.why_moment(updated_at))
               order by ordinal), '[]') from open where place <= 20),
    'openByState', (select coalesce(jsonb_object_agg(state, count), '{}')
                    from (select state, count(*) from open group by state) counted))
$$;

create or replace function dash.why_swarm_waiting(p_swarm_id text) returns jsonb
language sql stable as $$
  with waiting as (
    select n.node_id, n.ordinal, array(
      select d.node_id from unnest(n.depends_on) with ordinality as w (node_id, place)
      join dash.swarm_nodes d on d.swarm_id = p_swarm_id and d.node_id = w.node_id
      where d.state in ('waiting', 'admitted') order by w.place) as waits_for
    from dash.swarm_nodes n where n.swarm_id = p_swarm_id and n.state = 'waiting')
  select jsonb_build_object(
    'waiting', (select coalesce(jsonb_agg(jsonb_build_object('nodeId', node_id, 'waitsFor', waits_for)
                                          order by ordinal), '[]')
                from (select * from waiting where cardinality(waits_for) > 0 order by ordinal limit 20) first),
    'waitingCount', (select count(*) from waiting where cardinality(waits_for) > 0),
    'ready', (select count(*) from waiting where cardinality(waits_for) = 0))
$$;

create or replace function dash.why_swarm_approvals(p_swarm_id text) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'nodeId', a.node_id, 'approvalId', a.id, 'since', dash.why_moment(a.created_at)) order by a.seq), '[]')
  from (
    select a.* from dash.swarm_nodes n join dash.approvals a on a.id = n.approval_id
    where n.swarm_id = p_swarm_id and n.state = 'admitted' and a.state = 'open' order by a.seq limit 20) a
$$;
