-- Work that a workflow of Temporal submits and waits for. src/db/submission-store.ts describes arguments and answers.

-- The work and its submission in one transaction: asked again, the same work is answered.
create or replace function dash.accept_submission(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.submissions;
  v_refusal text;
  v_answer jsonb;
begin
  perform dash.lock_key('submission/' || (p->>'key'));
  select * into s from dash.submissions where key = p->>'key';
  if found then
    return dash.submission_stands(s);
  end if;
  v_refusal := case when p ? 'firing' then dash.firing_refusal(p->'firing') end;
  if v_refusal = 'changed' then
    return '{"kind": "changed"}';
  elsif v_refusal is not null then
    return dash.withdraw_submission(p || jsonb_build_object('refusal', v_refusal));
  end if;
  if p ? 'task' then
    v_answer := dash.accept(p->'task');
  else
    v_answer := dash.accept_swarm(p->'swarm');
  end if;
  if v_answer->>'kind' <> 'accepted' then
    return v_answer;
  end if;
  insert into dash.submissions (key, workflow_id, run_id, schedule_id, scheduled_at, task_id, swarm_id)
  values (p->>'key', p->'run'->>'workflowId', p->'run'->>'runId', p->'firing'->>'id',
          (p->'firing'->>'scheduledAt')::timestamptz, v_answer->'task'->>'id', v_answer->'swarm'->>'id')
  returning * into s;
  return dash.submission_stands(s);
end $$;

create or replace function dash.submission_stands(s dash.submissions) returns jsonb
language sql stable as $$
  select case
    when s.task_id is not null then jsonb_build_object('kind', 'task', 'taskId', s.task_id)
    when s.swarm_id is not null then jsonb_build_object('kind', 'swarm', 'swarmId', s.swarm_id)
    else jsonb_build_object('kind', 'none', 'refusal', s.refusal)
  end
$$;

-- What is not accepted by now never will be; what is, the caller cancels.
create or replace function dash.withdraw_submission(p jsonb) returns jsonb
language plpgsql as $$
declare
  s dash.submissions;
begin
  perform dash.lock_key('submission/' || (p->>'key'));
  insert into dash.submissions
    (key, workflow_id, run_id, schedule_id, scheduled_at, refusal, ended_at, told_at)
  values
    (p->>'key', p->'run'->>'workflowId', p->'run'->>'runId',
     (select id from dash.schedules where id = p->'firing'->>'id'), (p->'firing'->>'scheduledAt')::timestamptz,
     p->>'refusal', now(), now())
  on conflict (key) do nothing;
  select * into s from dash.submissions where key = p->>'key';
  return dash.submission_stands(s);
end $$;

-- Called where a task or a swarm ends, before the event lock. Nobody locks the row of a submission for long, and
-- nothing is locked after it but counts and events.
create or replace function dash.end_submission(p_task_id text, p_swarm_id text) returns void
language plpgsql as $$
begin
  if p_task_id is not null then
    update dash.submissions set ended_at = now() where task_id = p_task_id and ended_at is null;
  else
    update dash.submissions set ended_at = now() where swarm_id = p_swarm_id and ended_at is null;
  end if;
  if found then
    perform pg_notify('dash_submissions', '');
  end if;
end $$;

create or replace function dash.submission_standing(p jsonb) returns jsonb
language sql stable as $$
  select case
    when s.refusal is not null then dash.submission_stands(s)
    when s.ended_at is null then '{"kind": "open"}'
    when t.id is not null then dash.submission_stands(s) || jsonb_build_object('end', dash.task_end(t))
    else dash.submission_stands(s) || jsonb_build_object('state', w.state, 'reason', w.state_reason)
  end
  from dash.submissions s
  left join dash.tasks t on t.id = s.task_id
  left join dash.swarms w on w.id = s.swarm_id
  where s.key = p->>'key'
$$;

create or replace function dash.untold_submissions(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'key', x.key, 'workflowId', x.workflow_id, 'runId', x.run_id) order by x.ended_at), '[]')
  from (
    select * from dash.submissions
    where ended_at is not null and told_at is null and workflow_id is not null
    order by ended_at limit (p->>'limit')::integer) x
$$;

create or replace function dash.mark_submission_told(p jsonb) returns jsonb
language plpgsql as $$
begin
  update dash.submissions set told_at = now() where key = p->>'key' and told_at is null;
  return '{"kind": "ok"}';
end $$;

-- P35: of these runs those whose work ended so long ago.
create or replace function dash.ended_submissions(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'key', s.key, 'workflowId', s.workflow_id, 'runId', s.run_id, 'taskId', s.task_id, 'swarmId', s.swarm_id,
    'endedAt', dash.iso(s.ended_at)) order by s.key), '[]')
  from jsonb_to_recordset(p->'runs') as asked ("workflowId" text, "runId" text)
  join dash.submissions s on s.workflow_id = asked."workflowId" and s.run_id = asked."runId"
  where s.ended_at < dash.before(p)
$$;
