-- P30. src/db/dead-letter-store.ts describes arguments and answers.
create or replace function dash.replay_dead_letter(p jsonb) returns jsonb
language plpgsql as $$
declare
  d dash.dead_letters;
  t dash.tasks;
  v_answer jsonb;
begin
  select * into d from dash.dead_letters where task_id = p->>'taskId' for no key update;
  if not found then
    return jsonb_build_object('kind', 'not-found');
  elsif d.state <> 'open' and not dash.may_replay_again(d, p) then
    return dash.dead_letter_stands(d);
  end if;
  select * into t from dash.tasks where id = d.task_id;
  v_answer := dash.insert_task(dash.replay_of(t, p));
  if v_answer->>'kind' <> 'accepted' then
    return v_answer;
  end if;
  update dash.dead_letters set
    state = 'replayed', replay_task_id = p->>'newTaskId', resolved_at = now(), resolved_by = p->>'actor',
    bulk_id = p->>'bulkId'
  where task_id = d.task_id;
  perform dash.emit_task(
    'dead-letter.replayed', t, p_actor => p->>'actor', p_data => jsonb_strip_nulls(jsonb_build_object(
      'replay', p->'newTaskId', 'bulk', p->'bulkId',
      'edited', (select jsonb_agg(key order by key) from jsonb_object_keys(p->'edits') as key))));
  return jsonb_build_object('kind', 'replayed', 'task', v_answer->'task');
end $$;

-- Asked for explicitly, and the task of the former replay has ended.
create or replace function dash.may_replay_again(d dash.dead_letters, p jsonb) returns boolean
language sql stable as $$
  select d.state = 'replayed' and coalesce((p->>'again')::boolean, false)
    and not exists (select 1 from dash.tasks where id = d.replay_task_id and open)
$$;

-- The same content with the same times to live, at the end of its session; no node of the old swarm. What `edits`
-- names is taken from there; what needed an approval needs one again.
create or replace function dash.replay_of(t dash.tasks, p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', p->>'newTaskId', 'workflowId', p->>'workflowId', 'replayOf', t.id, 'actor', p->>'actor',
    'tenant', t.tenant, 'pool', t.pool, 'sessionKey', t.session_key,
    'requirements', case when (p->'edits' ? 'pool') is not true then t.requirements end,
    'agent', t.agent, 'prompt', t.prompt,
    'priority', t.priority, 'deadlineAt', now() + (t.deadline_at - t.created_at),
    'runLimitSeconds', t.run_limit_seconds, 'maxAttempts', t.max_attempts, 'idempotent', t.idempotent,
    'budget', dash.budget_of(t),
    'correlationId', t.correlation_id, 'approval', dash.gate_of(t)) || coalesce(p->'edits', '{}')
$$;

create or replace function dash.dead_letter_stands(d dash.dead_letters) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'kind', 'stands', 'state', d.state,
    'replay', (select dash.task_summary(t) from dash.tasks t where t.id = d.replay_task_id))
$$;

create or replace function dash.discard_dead_letter(p jsonb) returns jsonb
language plpgsql as $$
declare
  d dash.dead_letters;
  t dash.tasks;
begin
  select * into d from dash.dead_letters where task_id = p->>'taskId' for no key update;
  if not found then
    return jsonb_build_object('kind', 'not-found');
  elsif d.state <> 'open' then
    return dash.dead_letter_stands(d);
  end if;
  update dash.dead_letters set
    state = 'discarded', resolved_at = now(), resolved_by = p->>'actor', note = p->>'note', bulk_id = p->>'bulkId'
  where task_id = d.task_id;
  select * into t from dash.tasks where id = d.task_id;
  perform dash.emit_task(
    'dead-letter.discarded', t, p_actor => p->>'actor',
    p_data => jsonb_strip_nulls(jsonb_build_object('note', p->'note', 'bulk', p->'bulkId')));
  return jsonb_build_object('kind', 'discarded');
end $$;
