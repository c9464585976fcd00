-- Rows as the TypeScript side names them (src/db/*-record.ts). Times: ISO 8601 in UTC, milliseconds.

create or replace function dash.iso(p timestamptz) returns text
language sql stable strict as $$
  select to_char(p at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
$$;

create or replace function dash.task_summary(t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', t.id, 'seq', t.seq, 'tenant', t.tenant, 'pool', t.pool, 'requirements', t.requirements,
    'sessionKey', t.session_key, 'agent', t.agent, 'priority', t.priority,
    'raisedPriority', t.raised_priority, 'effectivePriority', t.effective_priority, 'state', t.state,
    'stateReason', t.state_reason, 'dueAt', dash.iso(t.due_at), 'queueExpiresAt', dash.iso(t.queue_expires_at),
    'deadlineAt', dash.iso(t.deadline_at), 'runLimitSeconds', t.run_limit_seconds, 'maxAttempts', t.max_attempts,
    'idempotent', t.idempotent, 'pinnedGatewayId', t.pinned_gateway, 'swarmId', t.swarm_id, 'nodeId', t.node_id,
    'replayOf', t.replay_of, 'workflowId', t.workflow_id, 'cancelRequested', t.cancel_requested,
    'approvalId', t.approval_id, 'scheduleId', t.schedule_id,
    'lastAttempt', t.last_attempt, 'correlationId', t.correlation_id, 'createdAt', dash.iso(t.created_at),
    'updatedAt', dash.iso(t.updated_at), 'finishedAt', dash.iso(t.finished_at),
    'budget', dash.budget_of(t), 'spent', jsonb_build_object('usd', t.spent_usd, 'tokens', t.spent_tokens),
    'blockedOn', t.blocked_on)
$$;

-- How a task ended, in the shape of the domain's TaskEnd; null while it is open.
create or replace function dash.task_end(t dash.tasks) returns jsonb
language sql stable as $$
  select case when not t.open then jsonb_build_object(
    'state', t.state,
    'output', coalesce(t.output, (select body from dash.blobs where id = t.output_blob)),
    'usage', t.usage,
    'failure', t.failure)
  end
$$;

create or replace function dash.attempt_json(a dash.attempts) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'attemptId', a.id, 'taskId', a.task_id, 'number', a.number, 'tenant', a.tenant, 'gatewayId', a.gateway_id,
    'ownerEpoch', a.owner_epoch, 'state', a.state, 'holdsLane', a.holds_lane, 'runIds', a.run_ids,
    'recoveryRunIds', a.recovery_run_ids, 'bootId', a.boot_id, 'stateId', a.state_id, 'outcome', a.outcome,
    'failure', a.failure, 'indeterminateReason', a.indeterminate_reason, 'evidence', a.evidence,
    'decision', case when a.decision is not null then jsonb_build_object(
      'decision', a.decision, 'actor', a.decided_by, 'at', dash.iso(a.decided_at)) end,
    'usage', a.usage, 'route', a.route, 'unexpected', a.unexpected, 'releaseReason', a.release_reason,
    'plannedAt', dash.iso(a.planned_at), 'deliveredAt', dash.iso(a.delivered_at),
    'sendingAt', dash.iso(a.sending_at), 'acceptedAt', dash.iso(a.accepted_at),
    'indeterminateAt', dash.iso(a.indeterminate_at), 'closedAt', dash.iso(a.closed_at),
    'limit', jsonb_build_object('usd', a.limit_usd, 'tokens', a.limit_tokens))
$$;

-- What a host needs to deliver an attempt: the answer of the claim, and of planned_attempts.
create or replace function dash.delivery_json(a dash.attempts, t dash.tasks) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'attemptId', a.id, 'attemptNumber', a.number, 'taskId', t.id, 'workflowId', t.workflow_id,
    'gatewayId', a.gateway_id, 'ownerEpoch', a.owner_epoch, 'tenant', t.tenant, 'swarmId', t.swarm_id,
    'correlationId', t.correlation_id, 'runLimitSeconds', t.run_limit_seconds, 'priority', t.effective_priority,
    'cancelRequested', t.cancel_requested, 'acceptedAt', dash.iso(t.created_at))
$$;

create or replace function dash.gateway_json(g dash.gateways) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', g.id, 'kind', g.kind, 'endpoint', g.endpoint, 'profile', g.profile, 'labels', g.labels,
    'capabilities', g.capabilities, 'region', g.region, 'allowedTenants', g.allowed_tenants,
    'lanes', jsonb_build_object(
      'configured', g.configured_lanes, 'reported', g.reported_lanes, 'held', held.lanes, 'foreign', g.foreign_runs,
      'health', g.health_lanes, 'free', greatest(0, dash.usable_lanes(g) - held.lanes - g.foreign_runs)),
    'costWeight', g.cost_weight, 'health', g.health, 'healthSince', dash.iso(g.health_since),
    'recent', dash.recent_json(g),
    'pools', dash.pools_of(g),
    'state', g.state, 'failure', g.failure, 'stateReason', g.state_reason, 'hint', g.hint,
    'desiredState', g.desired_state, 'claimsOpen', g.claims_open, 'ownerHost', g.owner_host,
    'ownerEpoch', g.owner_epoch, 'bootId', g.boot_id, 'stateId', g.state_id, 'version', g.version,
    'protocol', g.protocol, 'process', g.process, 'lastSeenAt', dash.iso(g.last_seen_at),
    'stateChangedAt', dash.iso(g.state_changed_at), 'createdAt', dash.iso(g.created_at))
  from (select count(*)::integer as lanes from dash.attempts where holds_lane and gateway_id = g.id) held
$$;

create or replace function dash.swarm_json(s dash.swarms) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', s.id, 'seq', s.seq, 'tenant', s.tenant, 'name', s.name, 'state', s.state, 'stateReason', s.state_reason,
    'onFailure', s.on_failure, 'maxParallel', s.max_parallel, 'cancelRequested', s.cancel_requested,
    'dirty', s.dirty, 'scheduleId', s.schedule_id,
    'nodeCounts', (
      select jsonb_build_object(
        'waiting', count(*) filter (where state = 'waiting'),
        'admitted', count(*) filter (where state = 'admitted'),
        'completed', count(*) filter (where state = 'completed'),
        'failed', count(*) filter (where state = 'failed'),
        'skipped', count(*) filter (where state = 'skipped'))
      from dash.swarm_nodes where swarm_id = s.id),
    'workflowId', s.workflow_id, 'correlationId', s.correlation_id, 'createdAt', dash.iso(s.created_at),
    'finishedAt', dash.iso(s.finished_at),
    'budget', (select dash.budget_json(b) from dash.budgets b where b.name = 'swarm:' || s.id))
$$;

create or replace function dash.session_json(s dash.sessions) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', s.id, 'tenant', s.tenant, 'key', s.key, 'gatewayId', s.gateway_id,
    'openTasks', (select count(*) from dash.tasks where open and session_id = s.id),
    'deadInARow', s.dead_in_a_row,
    'quarantine', case when s.quarantined_at is not null then jsonb_build_object(
      'since', dash.iso(s.quarantined_at), 'reason', s.quarantine_reason, 'by', s.quarantined_by) end,
    'createdAt', dash.iso(s.created_at), 'updatedAt', dash.iso(s.updated_at))
$$;

create or replace function dash.event_json(e dash.events) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'seq', e.seq, 'at', dash.iso(e.at), 'type', e.type, 'tenant', e.tenant, 'taskId', e.task_id,
    'attemptId', e.attempt_id, 'swarmId', e.swarm_id, 'sessionKey', e.session_key, 'gatewayId', e.gateway_id,
    'correlationId', e.correlation_id, 'actor', e.actor, 'data', e.data)
$$;
