-- Attempts whose outcome cannot be known, and what a person decides about them (P29): the attempt stays open until
-- then. src/db/attempt-decision.ts describes arguments and answers.

create or replace function dash.mark_indeterminate(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
  t dash.tasks := l.task;
begin
  if dash.is_superseded((p->>'ownerEpoch')::bigint, l.gateway) then
    return dash.attempt_stands('superseded-owner', a, t);
  elsif a.open is not true then
    return dash.attempt_stands('state', a, t);
  end if;
  update dash.attempts set
    state = 'indeterminate', indeterminate_at = coalesce(indeterminate_at, now()),
    holds_lane = holds_lane and (p->>'keepLane')::boolean,
    indeterminate_reason = p->>'reason', evidence = dash.json_value(p->'evidence')
  where id = a.id;
  perform dash.count_runs(a.id, p->'runs');
  if a.state <> 'indeterminate' then
    perform dash.emit_attempt(
      'attempt.indeterminate', t, a, p_data => jsonb_build_object('reason', p->>'reason'));
  end if;
  perform dash.tell_budgets(dash.budget_names(t));
  return jsonb_build_object('kind', 'ok');
end $$;

-- What was seen holds for the time since which the attempt was indeterminate: its run may have appeared meanwhile.
create or replace function dash.free_lane(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
begin
  if a.id is null then
    return dash.attempt_stands('not-found', a, l.task);
  elsif dash.is_superseded((p->>'ownerEpoch')::bigint, l.gateway) then
    return dash.attempt_stands('superseded-owner', a, l.task);
  elsif a.state <> 'indeterminate'
     or dash.iso(a.indeterminate_at) is distinct from p->>'indeterminateAt' then
    return dash.attempt_stands('state', a, l.task);
  end if;
  update dash.attempts set holds_lane = false where id = a.id and holds_lane;
  return jsonb_build_object('kind', 'ok');
end $$;

-- What a person has decided about it stands: then nothing recovers any more.
create or replace function dash.recover_from_indeterminate(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
  t dash.tasks := l.task;
begin
  if dash.is_superseded((p->>'ownerEpoch')::bigint, l.gateway) then
    return dash.attempt_stands('superseded-owner', a, t);
  elsif a.state is distinct from 'indeterminate' or a.decision is not null then
    return dash.attempt_stands('state', a, t);
  end if;
  update dash.attempts set
    state = 'accepted', holds_lane = true, accepted_at = coalesce(accepted_at, now()),
    boot_id = coalesce(p->>'bootId', boot_id), indeterminate_at = null, indeterminate_reason = null, evidence = null,
    recovery_run_ids = dash.with_run(recovery_run_ids, p->>'recoveryRunId')
  where id = a.id;
  update dash.tasks set state = 'dispatched', updated_at = now() where id = t.id and state = 'deciding';
  perform dash.emit_attempt('attempt.accepted', t, a, p_data => '{"recovered": true}');
  return jsonb_build_object('kind', 'ok');
end $$;

create or replace function dash.enter_deciding(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
  t dash.tasks := l.task;
begin
  if a.state is distinct from 'indeterminate' or t.state not in ('dispatched', 'deciding') then
    return dash.attempt_stands('state', a, t);
  end if;
  if t.state = 'dispatched' then
    update dash.tasks set state = 'deciding', state_reason = a.indeterminate_reason, updated_at = now()
    where id = t.id;
    perform dash.emit_attempt(
      'task.deciding', t, a, p_data => jsonb_build_object('reason', a.indeterminate_reason));
  end if;
  return jsonb_build_object(
    'kind', 'deciding', 'attemptId', a.id, 'gatewayId', a.gateway_id, 'discard', t.cancel_requested is not null);
end $$;

create or replace function dash.record_decision(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
  t dash.tasks := l.task;
begin
  if a.decision is not null then
    return jsonb_build_object('kind', 'decided-before', 'decision', a.decision, 'actor', a.decided_by);
  elsif a.state is distinct from 'indeterminate' then
    return dash.attempt_stands('state', a, t);
  end if;
  perform dash.write_decision(a, p);
  perform dash.emit_attempt(
    'attempt.decided', t, a, p->>'actor', jsonb_build_object('decision', p->'decision'->'kind'));
  return jsonb_build_object(
    'kind', 'recorded', 'taskId', t.id, 'workflowId', t.workflow_id, 'gatewayId', a.gateway_id);
end $$;

create or replace function dash.write_decision(a dash.attempts, p jsonb) returns void
language sql as $$
  update dash.attempts set decision = p->'decision', decided_by = p->>'actor', decided_at = now()
  where id = a.id and decision is null
$$;

-- P29. A decision that stands in the row goes before the one that is handed in.
create or replace function dash.decide_attempt(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
  t dash.tasks := l.task;
  v_decision jsonb := coalesce(a.decision, p->'decision');
  v_actor text := coalesce(a.decided_by, p->>'actor');
begin
  if a.state is distinct from 'indeterminate' or t.state not in ('dispatched', 'deciding') then
    return dash.attempt_stands('state', a, t);
  end if;
  perform dash.write_decision(a, p);
  perform dash.end_attempt(
    a, case v_decision->>'kind' when 'accept' then 'succeeded' else 'discarded' end, null, null, null);
  if v_decision->>'kind' = 'retry' then
    return dash.to_queue(t, a, v_actor);
  end if;
  return dash.settle_locked(t, dash.decided_end(t, a, v_decision), a, v_actor);
end $$;

-- accept: the output that the person gave, else the text that was seen.
create or replace function dash.decided_end(t dash.tasks, a dash.attempts, p_decision jsonb) returns jsonb
language sql stable as $$
  select case
    when p_decision->>'kind' = 'accept' then jsonb_build_object(
      'state', 'completed', 'output', coalesce(p_decision->>'output', a.evidence->>'output'),
      'usage', a.usage, 'failure', null)
    else coalesce(
      dash.early_end(t),
      dash.failed_end('dead', 'discarded', 'A person discarded the attempt whose outcome could not be known.'))
  end
$$;
