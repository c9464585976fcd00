-- Many dead letters at once (R8): src/db/bulk-store.ts. One letter per transaction, under the lock of the operation's
-- row, together with its progress: whoever repeats a step, or works beside another, does nothing twice.
create or replace function dash.bulk_json(b dash.bulk_operations) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'id', b.id, 'action', b.action, 'tenant', b.tenant, 'filter', b.filter, 'edits', b.edits, 'note', b.note,
    'state', b.state, 'total', b.total, 'done', b.done, 'skipped', b.skipped, 'waitingFor', b.waiting_for,
    'actor', b.actor, 'createdAt', dash.iso(b.created_at), 'finishedAt', dash.iso(b.finished_at))
$$;

create or replace function dash.emit_bulk(p_type text, b dash.bulk_operations, p_actor text) returns void
language plpgsql as $$
declare
  e dash.events;
begin
  e.type := p_type;
  e.tenant := b.tenant;
  e.actor := p_actor;
  e.data := jsonb_build_object(
    'bulk', b.id, 'action', b.action, 'total', b.total, 'done', b.done, 'skipped', b.skipped);
  perform dash.write_event(dash.next_event(), e);
end $$;

create or replace function dash.accept_bulk(p jsonb) returns jsonb
language plpgsql as $$
declare
  b dash.bulk_operations;
  v_pool text := p->'edits'->>'pool';
  v_filter jsonb := p->'filter' || '{"states": ["open"]}';
begin
  if v_pool is not null and not exists (select 1 from dash.pools where id = v_pool) then
    return jsonb_build_object(
      'kind', 'unknown-pool', 'pool', v_pool, 'tenant', p->'filter'->'tenant',
      'pools', dash.pools_for(p->'filter'->>'tenant'));
  end if;
  insert into dash.bulk_operations (id, action, tenant, filter, edits, note, total, actor)
  values (
    p->>'id', p->>'action', p->'filter'->>'tenant', v_filter, coalesce(p->'edits', '{}'), p->>'note',
    (dash.count_dead_letters(jsonb_build_object('filter', v_filter))->>'count')::integer, p->>'actor')
  returning * into b;
  perform dash.emit_bulk('bulk.accepted', b, b.actor);
  return jsonb_build_object('kind', 'accepted', 'operation', dash.bulk_json(b));
end $$;

-- The next letter that the operation means and has not dealt with; a null text: there is none.
create or replace function dash.next_bulk_letter(b dash.bulk_operations, out task_id text, out seq bigint)
language plpgsql stable set plan_cache_mode = force_custom_plan as $$
begin
  select t.id, t.seq into task_id, seq
  from dash.tasks t join dash.dead_letters d on d.task_id = t.id
  where t.state = 'dead' and t.seq > b.last_seq and d.created_at <= b.created_at
    and dash.dead_letter_matches(d, t, b.filter)
  order by t.seq limit 1;
end $$;

create or replace function dash.bulk_step(p jsonb) returns jsonb
language plpgsql as $$
declare
  b dash.bulk_operations;
  l record;
  v_answer jsonb;
  v_done integer;
begin
  select * into b from dash.bulk_operations where id = p->>'bulkId' for update;
  if b.state is distinct from 'running' then
    return '{"kind": "ended"}';
  end if;
  l := dash.next_bulk_letter(b);
  if l.task_id is null then
    update dash.bulk_operations set state = 'completed', finished_at = now(), waiting_for = null
    where id = b.id returning * into b;
    perform dash.emit_bulk('bulk.completed', b, b.actor);
    return '{"kind": "ended"}';
  end if;
  v_answer := jsonb_build_object('taskId', l.task_id, 'actor', b.actor, 'bulkId', b.id);
  v_answer := case b.action
    when 'replay' then dash.replay_dead_letter(v_answer || jsonb_build_object(
      'newTaskId', p->'newTaskId', 'workflowId', p->'workflowId', 'edits', b.edits))
    else dash.discard_dead_letter(v_answer || jsonb_build_object('note', b.note))
  end;
  if v_answer->>'kind' = 'refused' then
    update dash.bulk_operations set waiting_for = v_answer->>'bound' where id = b.id;
    return jsonb_build_object('kind', 'refused', 'retryAfterSeconds', v_answer->'retryAfterSeconds');
  end if;
  v_done := (v_answer->>'kind' in ('replayed', 'discarded'))::integer;
  update dash.bulk_operations set
    done = done + v_done, skipped = skipped + 1 - v_done, last_seq = l.seq, waiting_for = null
  where id = b.id;
  return '{"kind": "stepped"}';
end $$;

create or replace function dash.get_bulk(p jsonb) returns jsonb
language sql stable as $$
  select dash.bulk_json(b) from dash.bulk_operations b where b.id = p->>'bulkId'
$$;

-- What was done stays done; one that has ended stays as it ended.
create or replace function dash.cancel_bulk(p jsonb) returns jsonb
language plpgsql as $$
declare
  b dash.bulk_operations;
begin
  update dash.bulk_operations set state = 'cancelled', finished_at = now(), waiting_for = null
  where id = p->>'bulkId' and state = 'running' returning * into b;
  if found then
    perform dash.emit_bulk('bulk.cancelled', b, p->>'actor');
  end if;
  return dash.get_bulk(p);
end $$;

create or replace function dash.running_bulks(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(x.finding order by x.id), '[]') from (
    select b.id, jsonb_build_object('bulkId', b.id) as finding
    from dash.bulk_operations b
    where b.state = 'running' and b.created_at < dash.before(p) and (p->>'after' is null or b.id > p->>'after')
    order by b.id limit (p->>'limit')::integer) x
$$;
