-- Steps of a swarm that a person completes: nodes of the kind `approval`, which never have a task.

-- Opens the approval of a node; idempotent by node.
create or replace function dash.open_approval_step(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.swarms;
  n dash.swarm_nodes;
  a dash.approvals;
  v_refusal jsonb;
begin
  select * into s from dash.swarms where id = p->>'swarmId' for no key update;
  select * into n from dash.swarm_nodes
  where swarm_id = s.id and node_id = p->>'nodeId' for no key update;
  if s.id is null then
    return jsonb_build_object('kind', 'not-found');
  elsif n.approval_id is not null then
    return jsonb_build_object('kind', 'existing', 'approvalId', n.approval_id);
  end if;
  v_refusal := dash.not_admitting(s.id, p->>'nodeId');
  if v_refusal is not null then
    return v_refusal;
  end if;
  update dash.swarm_nodes set state = 'admitted', approval_id = p->>'approvalId'
  where swarm_id = s.id and node_id = n.node_id;
  a := dash.new_approval(p->>'approvalId', p->'gate', null);
  a.tenant := s.tenant;
  a.swarm_id := s.id;
  a.node_id := n.node_id;
  a.correlation_id := s.correlation_id;
  perform dash.store_approval(a);
  return jsonb_build_object('kind', 'opened', 'approvalId', a.id);
end $$;

-- The decision is the node's end, and the swarm's news (P31). Swarm and node are locked.
create or replace function dash.end_step(a dash.approvals, s dash.swarms) returns jsonb
language plpgsql as $$
declare
  n dash.swarm_nodes;
begin
  update dash.swarm_nodes set
    state = case when a.state = 'approved' then 'completed' else 'failed' end,
    output = case when a.state = 'approved' then coalesce(a.comment, '') end,
    reason = case when a.state = 'rejected' then dash.rejection_text(a) end
  where swarm_id = s.id and node_id = a.node_id returning * into n;
  if not s.dirty then
    update dash.swarms set dirty = true, dirty_since = now() where id = s.id;
  end if;
  perform dash.emit_swarm('swarm.node', s, a.decided_by, jsonb_build_object(
    'nodeId', n.node_id, 'state', n.state, 'reason', n.reason));
  return jsonb_build_object('swarmId', s.id, 'swarmBecameDirty', not s.dirty);
end $$;

-- The swarm stops: an open step is asked for no more, and skipped.
create or replace function dash.withdraw_approval_step(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_approval(p->>'approvalId');
  a dash.approvals := l.approval;
  s dash.swarms := l.swarm;
begin
  if a.state is distinct from 'open' or a.node_id is null then
    return '{"withdrawn": false}';
  end if;
  update dash.approvals set state = 'withdrawn', decided_at = now() where id = a.id returning * into a;
  update dash.swarm_nodes set state = 'skipped', reason = p->>'reason'
  where swarm_id = s.id and node_id = a.node_id;
  perform dash.emit_approval('approval.withdrawn', a, null, jsonb_build_object('reason', p->'reason'));
  perform dash.emit_swarm('swarm.node', s, null, jsonb_build_object(
    'nodeId', a.node_id, 'state', 'skipped', 'reason', p->'reason'));
  return '{"withdrawn": true}';
end $$;
