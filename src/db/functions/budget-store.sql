-- Budgets as people set and read them, and the tasks that wait for them. src/db/budget-store.ts.

create or replace function dash.budget_figures(b dash.budgets) returns jsonb
language sql stable as $$
  select jsonb_build_object(
    'limit', jsonb_build_object('usd', b.limit_usd, 'tokens', b.limit_tokens),
    'spent', jsonb_build_object('usd', b.spent_usd, 'tokens', b.spent_tokens),
    'reserved', jsonb_build_object('usd', b.reserved_usd, 'tokens', b.reserved_tokens),
    'usedPercent', case when b.scope <> 'pool' then dash.used_percent(b) end,
    'period', b.period)
$$;

create or replace function dash.budget_json(x dash.budgets) returns jsonb
language sql stable as $$
  select dash.budget_figures(b) || jsonb_build_object(
    'number', b.number, 'name', b.name, 'scope', b.scope, 'tenant', b.tenant,
    'remaining', jsonb_build_object(
      'usd', greatest(b.limit_usd - b.spent_usd - b.reserved_usd, 0),
      'tokens', greatest(b.limit_tokens - b.spent_tokens - b.reserved_tokens, 0)),
    'periodStartedAt', dash.iso(b.period_started_at),
    'periodEndsAt', dash.iso(dash.period_end(b)),
    'blockedTasks', (
      select count(*) from dash.tasks
      where state = 'blocked' and state_reason = 'budget' and blocked_on = b.name),
    'createdAt', dash.iso(b.created_at), 'updatedAt', dash.iso(b.updated_at))
  from dash.rolled(x) b
$$;

-- Made, or changed: what was counted stays, unless the period becomes another one.
create or replace function dash.put_budget(p jsonb) returns jsonb
language plpgsql as $$
declare
  b dash.budgets;
begin
  perform dash.use_budgets(false);
  insert into dash.budgets as x (name, scope, tenant, limit_usd, limit_tokens, period, period_started_at)
  values (p->>'name', p->>'scope', p->>'tenant', (p->>'usd')::numeric, (p->>'tokens')::bigint, p->>'period',
          greatest(dash.period_start(p->>'period'), case p->>'period' when 'total' then now() end))
  on conflict (name) do update set
    limit_usd = excluded.limit_usd, limit_tokens = excluded.limit_tokens, period = excluded.period,
    spent_usd = case when x.period = excluded.period then x.spent_usd else 0 end,
    spent_tokens = case when x.period = excluded.period then x.spent_tokens else 0 end,
    period_started_at =
      case when x.period = excluded.period then x.period_started_at else excluded.period_started_at end,
    told_percent = 0, updated_at = now()
  returning * into b;
  update dash.budgets set told_percent = dash.used_percent(b) where number = b.number returning * into b;
  perform dash.emit_budget('budget.set', b, p->>'actor');
  perform dash.nudge_spenders(b.name);
  return dash.budget_json(b);
end $$;

create or replace function dash.remove_budget(p jsonb) returns jsonb
language plpgsql as $$
declare
  b dash.budgets;
begin
  perform dash.use_budgets(false);
  delete from dash.budgets where name = p->>'name' returning * into b;
  if b.number is null then
    return '{"removed": false}';
  end if;
  perform dash.emit_budget('budget.removed', b, p->>'actor');
  return '{"removed": true}';
end $$;

create or replace function dash.get_budget(p jsonb) returns jsonb
language sql stable as $$
  select dash.budget_json(b) from dash.budgets b where b.name = p->>'name'
$$;

-- By name, in pages.
create or replace function dash.list_budgets(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(dash.budget_json(b) order by b.number), '[]') from (
    select * from dash.budgets b
    where (p->>'tenant' is null or b.tenant = p->>'tenant')
      and (p->>'scope' is null or b.scope = p->>'scope')
      and (p->>'after' is null or b.number > (p->>'after')::bigint)
    order by b.number limit (p->>'limit')::integer) b
$$;

-- What a task spent, entry by entry.
create or replace function dash.task_spending(p jsonb) returns jsonb
language sql stable as $$
  select coalesce(jsonb_agg(jsonb_build_object(
    'at', dash.iso(s.at), 'attemptId', s.attempt_id, 'runId', s.run_id, 'gatewayId', s.gateway_id, 'usd', s.usd,
    'tokens', s.tokens) order by s.id), '[]')
  from dash.spending s where s.task_id = p->>'taskId'
$$;

-- One task out of the way of the claim until there is room again. The task is locked and queued; no event yet.
create or replace function dash.block_for_budget(t dash.tasks, p_name text) returns void
language sql as $$
  update dash.tasks set state = 'blocked', state_reason = 'budget', blocked_on = p_name, updated_at = now()
  where id = t.id
$$;

-- Lets tasks go that no budget keeps any more: a reservation came back, a budget was raised or removed, a period
-- began. Under the claim lock, like every claim, which decides in the end, and like those it locks several sessions:
-- by id, before their tasks.
create or replace function dash.unblock_budgets(p jsonb) returns jsonb
language plpgsql as $$
declare
  t dash.tasks;
  v_ids text[];
  v_moved integer := 0;
begin
  if not exists (select 1 from dash.tasks where state = 'blocked' and state_reason = 'budget') then
    return '{"unblocked": 0}';
  end if;
  perform dash.lock_claims();
  v_ids := dash.unblockable((p->>'limit')::integer);
  perform 1 from dash.sessions
  where id in (select session_id from dash.tasks where id = any(v_ids)) order by id for no key update;
  perform 1 from dash.tasks where id = any(v_ids) order by id for no key update;
  update dash.tasks set
    state = case when dash.is_paused(swarm_id) then 'held' else 'queued' end,
    state_reason = null, blocked_on = null, updated_at = now()
  where id = any(v_ids) and state = 'blocked' and state_reason = 'budget';
  for t in select * from dash.tasks where id = any(v_ids) and state in ('queued', 'held') order by seq loop
    perform dash.emit_task('task.' || t.state, t);
    -- A session that was set apart meanwhile has a word to say as well.
    perform dash.refresh_session(t.session_id);
    v_moved := v_moved + 1;
  end loop;
  if v_moved > 0 then
    perform dash.hint_work();
  end if;
  return jsonb_build_object('unblocked', v_moved);
end $$;

-- Of the tasks that wait for each budget the first ones, most urgent first, that fit into all budgets around them.
-- What they are to spend is added up, so that one returned reservation does not set everything in motion. Those that
-- another budget keeps, which is used up, are passed over and hide nobody.
create or replace function dash.unblockable(p_limit integer) returns text[]
language plpgsql as $$
declare
  v_budgets dash.budgets[] := array(select dash.rolled(b) from dash.budgets b);
  v_gone text[] := array(select b.name from unnest(v_budgets) b where dash.lacks(b, null, null));
  v_name text := '';
  v_ids text[] := '{}';
  t dash.tasks;
  l record;
begin
  loop
    select blocked_on into v_name from dash.tasks
    where state = 'blocked' and state_reason = 'budget' and blocked_on > v_name order by blocked_on limit 1;
    exit when not found or cardinality(v_ids) >= p_limit;
    continue when v_name = any(v_gone);
    for t in
      select * from dash.tasks x
      where state = 'blocked' and state_reason = 'budget' and blocked_on = v_name
        and not dash.budget_names(x) && v_gone
      order by effective_priority, seq limit 100
    loop
      exit when cardinality(v_ids) >= p_limit;
      l := dash.task_remainder(t);
      continue when l.usd <= 0 or l.tokens <= 0 or exists (
        select 1 from unnest(v_budgets) b where b.name = any(dash.budget_names(t)) and dash.lacks(b, l.usd, l.tokens));
      v_ids := v_ids || t.id;
      v_budgets := dash.with_reserved(v_budgets, dash.budget_names(t), coalesce(l.usd, 0), coalesce(l.tokens, 0));
    end loop;
  end loop;
  return v_ids;
end $$;

create or replace function dash.with_reserved(
  p_budgets dash.budgets[], p_names text[], p_usd numeric, p_tokens bigint
) returns dash.budgets[]
language plpgsql immutable as $$
begin
  for i in 1 .. cardinality(p_budgets) loop
    if p_budgets[i].name = any(p_names) then
      p_budgets[i].reserved_usd := p_budgets[i].reserved_usd + p_usd;
      p_budgets[i].reserved_tokens := p_budgets[i].reserved_tokens + p_tokens;
    end if;
  end loop;
  return p_budgets;
end $$;

-- What a task was submitted with; null: nothing of its own.
create or replace function dash.budget_of(t dash.tasks) returns jsonb
language sql immutable as $$
  select case when t.budget_usd is not null or t.budget_tokens is not null
    then jsonb_build_object('usd', t.budget_usd, 'tokens', t.budget_tokens) end
$$;

-- Null: nothing.
create or replace function dash.spent_json(t dash.tasks) returns jsonb
language sql immutable as $$
  select case when t.spent_usd > 0 or t.spent_tokens > 0
    then jsonb_build_object('usd', t.spent_usd, 'tokens', t.spent_tokens) end
$$;
