-- A person's word before work goes on. src/db/approval-store.ts describes arguments and answers.
-- An approval's row is locked only by who holds its task, or its swarm and node, so it needs no place of its own in
-- the order of locks (P2), and may be written under the event lock.

create or replace function dash.gate_id(p_task_id text) returns text
language sql immutable as $$
  select 'approval-' || regexp_replace(p_task_id, '^task-', '')
$$;

-- A task that needs an approval is held from the start; its seq and its place in its session are those of any other.
create or replace function dash.gate_task(t dash.tasks, p_gate jsonb) returns dash.tasks
language plpgsql immutable as $$
begin
  if jsonb_typeof(p_gate) = 'object' then
    t.state := 'held';
    t.state_reason := 'approval';
    t.approval_id := dash.gate_id(t.id);
  end if;
  return t;
end $$;

-- The gate as it was asked for; null: the task needed none.
create or replace function dash.gate_of(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'prompt', a.prompt, 'approvers', a.approvers, 'expiresInSeconds', a.expires_in_seconds,
    'onExpiry', a.on_expiry, 'escalateTo', a.escalate_to, 'escalateAfterSeconds', a.escalate_after_seconds)
  from dash.approvals a where a.id = t.approval_id
$$;

-- After the task's own event, under the event lock.
create or replace function dash.request_task_approval(t dash.tasks, p jsonb) returns void
language plpgsql as $$
declare
  a dash.approvals;
begin
  if t.approval_id is null then
    return;
  end if;
  a := dash.new_approval(t.approval_id, p->'approval', p->>'actor');
  a.tenant := t.tenant;
  a.task_id := t.id;
  a.swarm_id := t.swarm_id;
  a.correlation_id := t.correlation_id;
  perform dash.store_approval(a);
end $$;

create or replace function dash.new_approval(p_id text, p_gate jsonb, p_actor text) returns dash.approvals
language plpgsql stable as $$
declare
  a dash.approvals;
begin
  a.id := p_id;
  a.prompt := p_gate->>'prompt';
  a.state := 'open';
  a.approvers := dash.text_array(p_gate->'approvers');
  a.expires_in_seconds := (p_gate->>'expiresInSeconds')::integer;
  a.on_expiry := p_gate->>'onExpiry';
  if a.on_expiry = 'escalate' then
    a.escalate_to := dash.text_array(p_gate->'escalateTo');
    a.escalate_after_seconds := (p_gate->>'escalateAfterSeconds')::integer;
  end if;
  a.expires_at := now() + make_interval(secs => coalesce(a.escalate_after_seconds, a.expires_in_seconds));
  a.requested_by := p_actor;
  a.created_at := now();
  return a;
end $$;

create or replace function dash.store_approval(a dash.approvals) returns void
language plpgsql as $$
declare
  e dash.events;
begin
  a.seq := dash.next_event();
  insert into dash.approvals values (a.*);
  e := dash.approval_event('approval.requested', a, a.requested_by, jsonb_strip_nulls(jsonb_build_object(
    'approvers', a.approvers, 'expiresAt', dash.iso(a.expires_at), 'onExpiry', a.on_expiry)));
  perform dash.write_event(a.seq, e);
end $$;

create or replace function dash.approval_event(
  p_type text, a dash.approvals, p_actor text, p_data jsonb
) returns dash.events
language plpgsql stable as $$
declare
  e dash.events;
begin
  e.type := p_type;
  e.tenant := a.tenant;
  e.task_id := a.task_id;
  e.swarm_id := a.swarm_id;
  e.session_key := (select session_key from dash.tasks where id = a.task_id);
  e.correlation_id := a.correlation_id;
  e.actor := p_actor;
  e.data := jsonb_strip_nulls(jsonb_build_object('approvalId', a.id, 'nodeId', a.node_id)) || p_data;
  return e;
end $$;

create or replace function dash.emit_approval(p_type text, a dash.approvals, p_actor text, p_data jsonb) returns void
language sql as $$
  select dash.write_event(dash.next_event(), dash.approval_event(p_type, a, p_actor, p_data))
$$;

-- An approval with what waits for it, all locked. Null rows when there is no such approval.
create or replace function dash.lock_approval(
  p_id text, out approval dash.approvals, out task dash.tasks, out swarm dash.swarms
)
language plpgsql as $$
declare
  v_task_id text;
  v_swarm_id text;
  v_node_id text;
begin
  select task_id, swarm_id, node_id into v_task_id, v_swarm_id, v_node_id from dash.approvals where id = p_id;
  if v_task_id is not null then
    task := dash.lock_task(v_task_id);
  elsif v_node_id is not null then
    select * into swarm from dash.swarms where id = v_swarm_id for no key update;
    perform 1 from dash.swarm_nodes where swarm_id = v_swarm_id and node_id = v_node_id for no key update;
  end if;
  select * into approval from dash.approvals where id = p_id for no key update;
end $$;

-- Who may decide now: the second list once it was escalated.
create or replace function dash.approvers_of(a dash.approvals) returns text[]
language sql immutable as $$
  select case when a.escalated_at is null then a.approvers else a.escalate_to end
$$;

-- The first decision counts.
create or replace function dash.decide_approval(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_approval(p->>'approvalId');
  a dash.approvals := l.approval;
begin
  if a.id is null then
    return jsonb_build_object('kind', 'not-found');
  elsif a.state <> 'open' then
    return jsonb_build_object('kind', 'decided-before', 'approval', dash.approval_json(a));
  elsif not coalesce(dash.approvers_of(a) && dash.text_array(p->'names'), true) then
    return jsonb_build_object('kind', 'not-approver', 'approvers', dash.approvers_of(a));
  end if;
  return dash.end_approval(
    a, l.task, l.swarm, p->>'decision',
    case p->>'decision' when 'approved' then 'approval.approved' else 'approval.rejected' end,
    p->>'actor', p->>'comment');
end $$;

-- Writes the decision and lets go on, or end, what waited for it. Everything is locked.
create or replace function dash.end_approval(
  a dash.approvals, t dash.tasks, s dash.swarms, p_state text, p_type text, p_actor text, p_comment text
) returns jsonb
language plpgsql as $$
declare
  v_news jsonb := '{"swarmId": null, "swarmBecameDirty": false}';
  v_data jsonb := jsonb_strip_nulls(jsonb_build_object('state', p_state, 'comment', left(p_comment, 500)));
begin
  update dash.approvals set
    state = p_state, decided_by = p_actor, decided_at = now(), comment = p_comment
  where id = a.id returning * into a;
  if a.task_id is not null and p_state = 'rejected' then
    v_news := dash.settle_locked(
      t, dash.failed_end('cancelled', 'rejected', dash.rejection_text(a)), null, p_actor);
  end if;
  perform dash.emit_approval(p_type, a, p_actor, v_data);
  if a.task_id is null then
    v_news := dash.end_step(a, s);
  elsif p_state = 'approved' then
    perform dash.release_held(t, p_actor);
  end if;
  return jsonb_build_object(
    'kind', 'decided', 'approval', dash.approval_json(a), 'swarmId', v_news->'swarmId',
    'swarmBecameDirty', v_news->'swarmBecameDirty');
end $$;

create or replace function dash.rejection_text(a dash.approvals) returns text
language sql immutable as $$
  select case
    when a.decided_by is null then 'Nobody gave the approval in time.'
    else 'The approval was refused by ' || a.decided_by || coalesce(': ' || nullif(a.comment, ''), '.')
  end
$$;

-- A task whose approval was given, or whose swarm goes on, is released to where it belongs now; while its swarm is
-- paused it stays held. The task is locked.
create or replace function dash.release_held(t dash.tasks, p_actor text) returns void
language plpgsql as $$
begin
  update dash.tasks set
    state = case
      when dash.is_paused(swarm_id) then 'held'
      when due_at > now() then 'scheduled'
      when session_id is not null then 'waiting'
      else 'queued' end,
    due_at = case when due_at > now() then due_at end,
    state_reason = null, updated_at = now()
  where id = t.id returning * into t;
  if t.state = 'held' then
    return;
  end if;
  perform dash.emit_task('task.' || t.state, t, p_actor => p_actor);
  if t.session_id is not null then
    perform dash.refresh_session(t.session_id);
  end if;
  perform dash.hint_work();
end $$;

-- The task ended before anybody decided. The task is locked.
create or replace function dash.withdraw_approval(t dash.tasks, p_actor text) returns void
language plpgsql as $$
declare
  a dash.approvals;
begin
  update dash.approvals set state = 'withdrawn', decided_at = now()
  where id = t.approval_id and state = 'open' returning * into a;
  if a.id is not null then
    perform dash.emit_approval('approval.withdrawn', a, p_actor, jsonb_build_object('taskState', t.state));
  end if;
end $$;

-- P8: the next approval whose time is over. Under the claim lock; null: none was.
create or replace function dash.expire_approval() returns jsonb
language plpgsql as $$
declare
  v_id text;
  l record;
  a dash.approvals;
  v_ended jsonb;
begin
  select id into v_id from dash.approvals
  where state = 'open' and expires_at is not null and expires_at <= now() order by expires_at limit 1;
  if v_id is null then
    return null;
  end if;
  l := dash.lock_approval(v_id);
  a := l.approval;
  if a.state is distinct from 'open' or a.expires_at > now() is not false then
    return null;
  elsif a.on_expiry = 'escalate' and a.escalated_at is null then
    perform dash.escalate(a);
  else
    v_ended := dash.end_approval(
      a, l.task, l.swarm, case when a.on_expiry = 'approve' then 'approved' else 'rejected' end,
      'approval.expired', null, null);
  end if;
  return jsonb_build_object(
    'promoted', 0, 'expired', 0, 'approvals', 1,
    'dirtySwarmId', case when (v_ended->>'swarmBecameDirty')::boolean then v_ended->>'swarmId' end,
    'workflowId', null);
end $$;

-- The second list is asked, and has its own time.
create or replace function dash.escalate(a dash.approvals) returns void
language plpgsql as $$
begin
  update dash.approvals set
    escalated_at = now(), expires_at = now() + make_interval(secs => expires_in_seconds)
  where id = a.id returning * into a;
  perform dash.emit_approval('approval.escalated', a, null, jsonb_strip_nulls(jsonb_build_object(
    'approvers', a.escalate_to, 'expiresAt', dash.iso(a.expires_at))));
end $$;
