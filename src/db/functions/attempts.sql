-- What a host does with its attempts: each conditional on the attempt's state and on the writer's epoch (P25).
-- src/db/attempt-run.ts describes arguments and answers.

create or replace function dash.attempt_stands(p_because text, a dash.attempts, t dash.tasks) returns jsonb
language sql immutable as $$
  select jsonb_build_object(
    'kind', 'stands', 'because', case when a.id is null then 'not-found' else p_because end,
    'state', a.state, 'outcome', a.outcome, 'taskState', t.state)
$$;

-- Of several attempts at once: locked in the order of their ids, and nothing else is.
create or replace function dash.mark_delivered(p jsonb) returns jsonb
language plpgsql as $$
declare
  v_ids uuid[] := array(select jsonb_array_elements_text(p->'attemptIds')::uuid);
begin
  perform 1 from dash.attempts where id = any(v_ids) and delivered_at is null order by id for no key update;
  update dash.attempts set delivered_at = now() where id = any(v_ids) and delivered_at is null;
  return jsonb_build_object('kind', 'ok');
end $$;

-- P23. The session remembers that something may have been sent at its gateway.
create or replace function dash.begin_sending(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
  t dash.tasks := l.task;
  g dash.gateways := l.gateway;
  v_refusal text;
begin
  v_refusal := case
    when a.state is null or a.state not in ('planned', 'sending', 'accepted') then 'not-open'
    when dash.is_superseded((p->>'ownerEpoch')::bigint, g) then 'superseded-owner'
    when t.cancel_requested is not null then 'cancel-requested'
    when g.state not in ('open', 'degraded') then 'gateway-closed'
  end;
  if v_refusal is not null then
    return jsonb_build_object('kind', 'refused', 'reason', v_refusal);
  end if;
  update dash.sessions set touched = true where id = t.session_id and not touched;
  update dash.attempts set
    state = 'sending', delivered_at = coalesce(delivered_at, now()), sending_at = now(),
    boot_id = p->>'bootId', state_id = p->>'stateId',
    run_ids = case when p->>'runId' = any(run_ids) then run_ids else run_ids || (p->>'runId') end
  where id = a.id;
  return jsonb_build_object('kind', 'ok');
end $$;

create or replace function dash.mark_accepted(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
  t dash.tasks := l.task;
begin
  if dash.is_superseded((p->>'ownerEpoch')::bigint, l.gateway) then
    return dash.attempt_stands('superseded-owner', a, t);
  elsif a.state is null or a.state not in ('sending', 'accepted') then
    return dash.attempt_stands('state', a, t);
  end if;
  update dash.attempts set
    state = 'accepted', accepted_at = coalesce(accepted_at, now()),
    boot_id = coalesce(p->>'bootId', boot_id), state_id = coalesce(p->>'stateId', state_id)
  where id = a.id;
  if a.state = 'sending' then
    perform dash.emit_attempt(
      'attempt.accepted', t, a, p_data => jsonb_build_object('runId', a.run_ids[cardinality(a.run_ids)]));
  end if;
  return jsonb_build_object('kind', 'ok');
end $$;

create or replace function dash.adopt_recovery(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
  t dash.tasks := l.task;
begin
  if dash.is_superseded((p->>'ownerEpoch')::bigint, l.gateway) then
    return dash.attempt_stands('superseded-owner', a, t);
  elsif a.state is null or a.state not in ('sending', 'accepted') then
    return dash.attempt_stands('state', a, t);
  end if;
  update dash.attempts set
    state = 'accepted', accepted_at = coalesce(accepted_at, now()), boot_id = coalesce(p->>'bootId', boot_id),
    recovery_run_ids = dash.with_run(recovery_run_ids, p->>'runId')
  where id = a.id;
  if p->>'runId' <> all(a.recovery_run_ids) then
    perform dash.emit_attempt(
      'attempt.recovery-adopted', t, a, p_data => jsonb_build_object('runId', p->>'runId'));
  end if;
  return jsonb_build_object('kind', 'ok');
end $$;

-- Run ids are kept in the order of their appearance, each once.
create or replace function dash.with_run(p_run_ids text[], p_run_id text) returns text[]
language sql immutable as $$
  select case when p_run_id is null or p_run_id = any(p_run_ids) then p_run_ids else p_run_ids || p_run_id end
$$;

create or replace function dash.attempts_used(p_task_id text) returns integer
language sql stable as $$
  select count(*)::integer from dash.attempts where task_id = p_task_id and state <> 'released'
$$;

create or replace function dash.close_attempt(p jsonb) returns jsonb
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
  perform dash.count_runs(a.id, p->'runs');
  perform dash.end_attempt(
    a, p->>'outcome', dash.json_value(p->'failure'), dash.json_value(p->'usage'), dash.json_value(p->'evidence'));
  perform dash.emit_attempt(
    'attempt.closed', t, a, p_data => jsonb_build_object('outcome', p->'outcome', 'failure', p->'failure'));
  perform dash.tell_budgets(dash.budget_names(t));
  return jsonb_build_object(
    'kind', 'closed', 'attemptsUsed', dash.attempts_used(t.id), 'maxAttempts', t.max_attempts);
end $$;

-- P18, P19, P23: it never ran. Its session is free to go elsewhere when nothing was ever sent for it.
create or replace function dash.release_attempt(p jsonb) returns jsonb
language plpgsql as $$
declare
  l record := dash.lock_attempt((p->>'attemptId')::uuid);
  a dash.attempts := l.attempt;
  t dash.tasks := l.task;
  v_step jsonb;
begin
  if dash.is_superseded((p->>'ownerEpoch')::bigint, l.gateway) then
    return dash.attempt_stands('superseded-owner', a, t);
  elsif not dash.may_release(a, p->>'from') or t.state <> 'dispatched' then
    return dash.attempt_stands('state', a, t);
  end if;
  update dash.attempts set
    state = 'released', holds_lane = false, closed_at = now(), release_reason = p->>'reason'
  where id = a.id returning * into a;
  perform dash.return_reservation(a.id);
  update dash.sessions set gateway_id = null where id = t.session_id and not touched;
  perform dash.count_attempt('released', null);
  v_step := dash.to_queue(t, a, null);
  perform dash.emit_attempt(
    'attempt.released', t, a, p_data => jsonb_build_object('reason', p->>'reason'));
  if v_step->>'kind' = 'settled' then
    return jsonb_build_object('kind', 'released', 'taskState', v_step->'state', 'settled', v_step);
  end if;
  return jsonb_build_object('kind', 'released', 'taskState', v_step->'state');
end $$;

create or replace function dash.may_release(a dash.attempts, p_from text) returns boolean
language sql immutable as $$
  select coalesce(case p_from
    when 'planned' then a.state = 'planned'
    when 'refused-sending' then a.state = 'sending' and a.accepted_at is null
  end, false)
$$;

create or replace function dash.mark_unexpected(p jsonb) returns jsonb
language sql as $$
  update dash.attempts set
    unexpected = unexpected + 1, unexpected_message = left(p->>'message', 2000)
  where id = (p->>'attemptId')::uuid
  returning jsonb_build_object('count', unexpected)
$$;
