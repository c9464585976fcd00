-- Reads of approvals: src/db/approval-store.ts.

create or replace function dash.approval_json(a dash.approvals) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', a.id, 'seq', a.seq, 'tenant', a.tenant, 'taskId', a.task_id, 'swarmId', a.swarm_id, 'nodeId', a.node_id,
    'excerpt', left(dash.approval_prompt(a), 200), 'state', a.state, 'approvers', dash.approvers_of(a),
    'expiresAt', dash.iso(a.expires_at), 'onExpiry', a.on_expiry, 'escalateTo', a.escalate_to,
    'escalatedAt', dash.iso(a.escalated_at), 'requestedBy', a.requested_by, 'decidedBy', a.decided_by,
    'decidedAt', dash.iso(a.decided_at), 'comment', a.comment, 'correlationId', a.correlation_id,
    'createdAt', dash.iso(a.created_at))
$$;

-- What a person is asked about: the words of the approval, else the task itself.
create or replace function dash.approval_prompt(a dash.approvals) returns text
language sql stable as $$
  select coalesce(a.prompt, (select prompt from dash.tasks where id = a.task_id), '')
$$;

create or replace function dash.get_approval(p jsonb) returns jsonb
language sql stable as $$
  select dash.approval_json(a) || jsonb_build_object('prompt', dash.approval_prompt(a))
  from dash.approvals a where a.id = p->>'approvalId'
$$;

create or replace function dash.list_approvals(p jsonb) returns jsonb
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
begin
  return (select coalesce(jsonb_agg(dash.approval_json(a) order by a.seq desc), '[]') from (
    select * from dash.approvals a
    where (p->>'tenant' is null or a.tenant = p->>'tenant')
      and (p->>'swarmId' is null or a.swarm_id = p->>'swarmId')
      and (p->>'taskId' is null or a.task_id = p->>'taskId')
      and (not p ? 'states' or a.state = any(dash.text_array(p->'states')))
      and (p->>'before' is null or a.seq < (p->>'before')::bigint)
    order by a.seq desc limit (p->>'limit')::integer) a);
end $$;

create or replace function dash.open_approval_counts(p jsonb) returns jsonb
language sql stable as $$
  select jsonb_build_array(
    jsonb_build_object('escalated', false, 'count', count(*) filter (where escalated_at is null)),
    jsonb_build_object('escalated', true, 'count', count(*) filter (where escalated_at is not null)))
  from dash.approvals where state = 'open'
$$;
