-- Dead letters as people look for them. src/db/dead-letter-store.ts describes filter and answers.

-- The last attempt is the one whose failure made the letter; null: the task never had one.
create or replace function dash.dead_letter_json(d dash.dead_letters, t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'taskId', d.task_id, 'seq', t.seq, 'tenant', t.tenant, 'pool', t.pool, 'sessionKey', t.session_key,
    'swarmId', t.swarm_id, 'agent', t.agent, 'priority', t.priority, 'reason', d.reason,
    'message', t.failure->>'message', 'failureClass', t.failure->'lastFailure'->>'class',
    'gatewayId', (select a.gateway_id from dash.attempts a where a.task_id = t.id and a.number = t.last_attempt),
    'attempts', dash.attempts_used(t.id), 'state', d.state, 'note', d.note, 'replayTaskId', d.replay_task_id,
    'bulkId', d.bulk_id, 'createdAt', dash.iso(d.created_at), 'resolvedAt', dash.iso(d.resolved_at),
    'resolvedBy', d.resolved_by)
$$;

create or replace function dash.get_dead_letter(p jsonb) returns jsonb
language sql stable as $$
  select dash.dead_letter_json(d, t)
  from dash.dead_letters d join dash.tasks t on t.id = d.task_id where d.task_id = p->>'taskId'
$$;

-- Whether a letter is one of those that the filter names; what the filter leaves out does not count.
create or replace function dash.dead_letter_matches(d dash.dead_letters, t dash.tasks, f jsonb) returns boolean
language sql stable as $$
  select (not f ? 'states' or f->'states' ? d.state)
    and (not f ? 'reasons' or f->'reasons' ? d.reason)
    and (f->>'tenant' is null or t.tenant = f->>'tenant')
    and (f->>'pool' is null or t.pool = f->>'pool')
    and (f->>'sessionKey' is null or t.session_key = f->>'sessionKey')
    and (f->>'swarmId' is null or t.swarm_id = f->>'swarmId')
    and (not f ? 'failureClasses' or f->'failureClasses' ? coalesce(t.failure->'lastFailure'->>'class', ''))
    and (f->>'from' is null or d.created_at >= (f->>'from')::timestamptz)
    and (f->>'to' is null or d.created_at < (f->>'to')::timestamptz)
    and (f->>'gatewayId' is null or exists (
      select 1 from dash.attempts a
      where a.task_id = t.id and a.number = t.last_attempt and a.gateway_id = f->>'gatewayId'))
$$;

-- Newest first. Walks the dead tasks of the index (state, seq), so that a page costs what it passes over.
create or replace function dash.list_dead_letters(p jsonb) returns jsonb
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
begin
  return (select coalesce(jsonb_agg(dash.dead_letter_json(x.d, x.t) order by (x.t).seq desc), '[]') from (
    select d, t from dash.tasks t join dash.dead_letters d on d.task_id = t.id
    where t.state = 'dead' and (p->>'before' is null or t.seq < (p->>'before')::bigint)
      and dash.dead_letter_matches(d, t, p->'filter')
    order by t.seq desc limit (p->>'limit')::integer) x);
end $$;

create or replace function dash.count_dead_letters(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_object('count', count(*))
  from dash.tasks t join dash.dead_letters d on d.task_id = t.id
  where t.state = 'dead' and dash.dead_letter_matches(d, t, p->'filter')
$$;
