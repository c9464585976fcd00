-- P15: what work may spend, is to spend, and has spent. Budget rows are locked behind tasks and attempts, in the
-- order of their numbers (P2); without any budget none of this costs more than a look at an empty table.
--
-- A claim touches the budgets of one task after another and cannot keep that order, so it has all of them for itself:
-- whoever writes budget rows holds the lock of `use_budgets` shared, the claim holds it alone.

create or replace function dash.use_budgets(p_alone boolean) returns void
language plpgsql as $$
begin
  if p_alone then
    perform pg_advisory_xact_lock(7410, 3);
  else
    perform pg_advisory_xact_lock_shared(7410, 3);
  end if;
end $$;

-- The budgets that surround a task.
create or replace function dash.budget_names(t dash.tasks) returns text[]
language sql immutable as $$
  select array_remove(array[
    'fleet', 'tenant:' || t.tenant, 'session:' || t.tenant || ':' || t.session_key, 'swarm:' || t.swarm_id], null)
$$;

create or replace function dash.period_start(p_period text) returns timestamptz
language sql stable as $$
  select case p_period when 'total' then '-infinity' else date_trunc(p_period, now(), 'UTC') end
$$;

-- Null: never.
create or replace function dash.period_end(b dash.budgets) returns timestamptz
language sql stable as $$
  select case when b.period <> 'total' then
    (date_trunc(b.period, b.period_started_at at time zone 'UTC') + ('1 ' || b.period)::interval) at time zone 'UTC' end
$$;

-- The budget as it is in the present period.
create or replace function dash.rolled(b dash.budgets) returns dash.budgets
language plpgsql stable as $$
begin
  if dash.period_start(b.period) > b.period_started_at then
    b.period_started_at := dash.period_start(b.period);
    b.spent_usd := 0;
    b.spent_tokens := 0;
    b.told_percent := 0;
  end if;
  return b;
end $$;

-- Locks the budgets of these names, and lets a period begin whose time has come.
create or replace function dash.lock_budgets(p_names text[], p_alone boolean default false) returns setof dash.budgets
language plpgsql as $$
begin
  if not exists (select 1 from dash.budgets) then
    return;
  end if;
  perform dash.use_budgets(p_alone);
  perform 1 from dash.budgets where name = any(p_names) order by number for no key update;
  update dash.budgets b set
    period_started_at = dash.period_start(b.period), spent_usd = 0, spent_tokens = 0, told_percent = 0
  where b.name = any(p_names) and dash.period_start(b.period) > b.period_started_at;
  return query select * from dash.budgets where name = any(p_names) order by number;
end $$;

-- What a task may still spend: its own budget, else that of its pool, less what its attempts have spent. Null: no
-- limit. `named`: whose limit it is.
create or replace function dash.task_remainder(t dash.tasks, out usd numeric, out tokens bigint, out named text)
language sql stable as $$
  select coalesce(t.budget_usd, p.limit_usd) - t.spent_usd, coalesce(t.budget_tokens, p.limit_tokens) - t.spent_tokens,
    case when t.budget_usd is null and t.budget_tokens is null then p.name else 'task' end
  from (values (1)) x left join dash.budgets p on p.name = 'pool:' || t.pool
$$;

-- Whether the budget has no room for an attempt of these limits (null: none, it needs room for anything at all).
create or replace function dash.lacks(b dash.budgets, p_usd numeric, p_tokens bigint) returns boolean
language sql immutable as $$
  select coalesce(b.limit_usd - b.spent_usd - b.reserved_usd < p_usd, b.limit_usd <= b.spent_usd + b.reserved_usd, false)
    or coalesce(b.limit_tokens - b.spent_tokens - b.reserved_tokens < p_tokens,
                b.limit_tokens <= b.spent_tokens + b.reserved_tokens, false)
$$;

-- The name of the budget that keeps the task from being claimed; null: none. What surrounds it is locked then.
create or replace function dash.budget_refusing(t dash.tasks) returns text
language plpgsql as $$
declare
  l record := dash.task_remainder(t);
  b dash.budgets;
begin
  if l.usd <= 0 or l.tokens <= 0 then
    return l.named;
  end if;
  for b in select * from dash.lock_budgets(dash.budget_names(t), true) loop
    if dash.lacks(b, l.usd, l.tokens) then
      return b.name;
    end if;
  end loop;
  return null;
end $$;

-- Sets aside what the attempt may spend; its budgets are locked and have room.
create or replace function dash.reserve_budget(a dash.attempts, t dash.tasks) returns void
language plpgsql as $$
declare
  l record := dash.task_remainder(t);
  v_numbers bigint[];
begin
  if l.usd is null and l.tokens is null then
    return;
  end if;
  v_numbers := array(select number from dash.budgets where name = any(dash.budget_names(t)) order by number);
  update dash.attempts set
    limit_usd = l.usd, limit_tokens = l.tokens, reserved_in = v_numbers,
    reserved_usd = case when v_numbers <> '{}' then coalesce(l.usd, 0) else 0 end,
    reserved_tokens = case when v_numbers <> '{}' then coalesce(l.tokens, 0) else 0 end
  where id = a.id;
  update dash.budgets set
    reserved_usd = reserved_usd + coalesce(l.usd, 0), reserved_tokens = reserved_tokens + coalesce(l.tokens, 0)
  where number = any(v_numbers);
end $$;

-- The attempt spends no more: what it still has set aside is free. Attempt and task are locked.
create or replace function dash.return_reservation(p_attempt_id uuid) returns void
language plpgsql as $$
declare
  a dash.attempts;
begin
  select * into a from dash.attempts where id = p_attempt_id;
  if a.reserved_in = '{}' then
    return;
  end if;
  perform dash.use_budgets(false);
  perform 1 from dash.budgets where number = any(a.reserved_in) order by number for no key update;
  update dash.budgets set
    reserved_usd = reserved_usd - a.reserved_usd, reserved_tokens = reserved_tokens - a.reserved_tokens
  where number = any(a.reserved_in);
  update dash.attempts set reserved_in = '{}', reserved_usd = 0, reserved_tokens = 0 where id = a.id;
end $$;

-- Enters what the gateway shows of each run of an attempt ([{runId, costUsd, totalTokens}]): only what is more than
-- was known counts, once, in task and budgets, and what was set aside for it becomes that much less. Attempt and task
-- are locked; `tell_budgets` follows before the transaction ends.
create or replace function dash.count_runs(p_attempt_id uuid, p_runs jsonb) returns void
language plpgsql as $$
declare
  a dash.attempts;
  t dash.tasks;
  v_usd numeric;
  v_tokens bigint;
begin
  if p_runs is null or p_runs in ('[]', 'null') then
    return;
  end if;
  select * into a from dash.attempts where id = p_attempt_id;
  with seen as (
    select r->>'runId' as run_id, coalesce((r->>'costUsd')::numeric, 0) as usd, (r->>'totalTokens')::bigint as tokens
    from jsonb_array_elements(p_runs) r
  ), more as (
    select s.run_id, greatest(s.usd, known.usd) as run_usd, greatest(s.tokens, known.tokens) as run_tokens,
      greatest(s.usd - known.usd, 0) as usd, greatest(s.tokens - known.tokens, 0) as tokens
    from seen s cross join lateral (
      select coalesce(max(k.run_usd), 0) as usd, coalesce(max(k.run_tokens), 0) as tokens
      from dash.spending k where k.attempt_id = a.id and k.run_id = s.run_id) known
    where s.usd > known.usd or s.tokens > known.tokens
  ), entered as (
    insert into dash.spending (attempt_id, run_id, task_id, tenant, gateway_id, usd, tokens, run_usd, run_tokens)
    select a.id, run_id, a.task_id, a.tenant, a.gateway_id, usd, tokens, run_usd, run_tokens from more
    returning usd, tokens
  )
  select coalesce(sum(usd), 0), coalesce(sum(tokens), 0) into v_usd, v_tokens from entered;
  if v_usd = 0 and v_tokens = 0 then
    return;
  end if;
  update dash.tasks set spent_usd = spent_usd + v_usd, spent_tokens = spent_tokens + v_tokens
  where id = a.task_id returning * into t;
  perform dash.spend(a, dash.budget_names(t), v_usd, v_tokens);
end $$;

create or replace function dash.spend(
  a dash.attempts, p_names text[], p_usd numeric, p_tokens bigint
) returns void
language plpgsql as $$
declare
  v_usd numeric := least(a.reserved_usd, p_usd);
  v_tokens bigint := least(a.reserved_tokens, p_tokens);
begin
  -- One set, locked in one order: budgets of today, and those that hold a reservation of the attempt.
  perform dash.lock_budgets(p_names || array(select name from dash.budgets where number = any(a.reserved_in)));
  update dash.budgets set
    spent_usd = spent_usd + p_usd, spent_tokens = spent_tokens + p_tokens, updated_at = now()
  where name = any(p_names);
  update dash.budgets set reserved_usd = reserved_usd - v_usd, reserved_tokens = reserved_tokens - v_tokens
  where number = any(a.reserved_in);
  update dash.attempts set reserved_usd = reserved_usd - v_usd, reserved_tokens = reserved_tokens - v_tokens
  where id = a.id and reserved_in <> '{}';
end $$;

create or replace function dash.used_percent(b dash.budgets) returns smallint
language sql immutable as $$
  select case
    when b.spent_usd >= b.limit_usd or b.spent_tokens >= b.limit_tokens then 100
    when b.spent_usd >= b.limit_usd * 0.8 or b.spent_tokens >= b.limit_tokens * 0.8 then 80
    else 0
  end::smallint
$$;

-- Tells of budgets that have reached 80 or 100 percent, once per period. Emits, so it comes last. Whoever counts what
-- was spent tells in the same transaction: what is to be told is locked by this one.
create or replace function dash.tell_budgets(p_names text[]) returns void
language plpgsql as $$
declare
  b dash.budgets;
begin
  for b in select * from dash.budgets x where name = any(p_names) and dash.used_percent(x) > told_percent
           order by number loop
    update dash.budgets set told_percent = dash.used_percent(b) where number = b.number;
    perform dash.emit_budget(
      case dash.used_percent(b) when 100 then 'budget.exhausted' else 'budget.warning' end, b, null);
    if dash.used_percent(b) = 100 then
      perform dash.nudge_spenders(b.name);
    end if;
  end loop;
end $$;

-- The hosts of open attempts within the budget look at their rows now.
create or replace function dash.nudge_spenders(p_name text) returns void
language sql as $$
  select pg_notify('dash_cancel', a.id::text)
  from dash.attempts a join dash.tasks t on t.id = a.task_id
  where a.open and p_name = any(dash.budget_names(t))
$$;

create or replace function dash.emit_budget(p_type text, b dash.budgets, p_actor text) returns void
language plpgsql as $$
declare
  e dash.events;
begin
  e.type := p_type;
  e.tenant := b.tenant;
  e.actor := p_actor;
  e.data := jsonb_build_object('budget', b.name) || dash.budget_figures(b);
  perform dash.write_event(dash.next_event(), e);
end $$;

-- The budget that is used up for an open attempt; null: none. An attempt with a limit of its own may use what was set
-- aside for it; one without ends where the reservations of others begin.
create or replace function dash.budget_gone(a dash.attempts, t dash.tasks) returns text
language sql stable as $$
  select b.name from dash.budgets x cross join lateral dash.rolled(x) b
  where x.name = any(dash.budget_names(t)) and (
    b.limit_usd <= b.spent_usd + case when a.limit_usd is null then b.reserved_usd else 0 end
    or b.limit_tokens <= b.spent_tokens + case when a.limit_tokens is null then b.reserved_tokens else 0 end)
  order by b.number limit 1
$$;

-- What the host of an attempt watches while it runs; null: nothing limits it.
create or replace function dash.attempt_budget(a dash.attempts, t dash.tasks) returns jsonb
language sql stable as $$
  select case
    when a.limit_usd is not null or a.limit_tokens is not null
      or exists (select 1 from dash.budgets where name = any(dash.budget_names(t)))
    then jsonb_build_object('usd', a.limit_usd, 'tokens', a.limit_tokens, 'gone', dash.budget_gone(a, t))
  end
$$;

-- While it runs. src/db/attempt-usage.ts.
create or replace function dash.count_usage(p jsonb) returns jsonb
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
  select * into a from dash.attempts where id = a.id;
  select * into t from dash.tasks where id = t.id;
  perform dash.tell_budgets(dash.budget_names(t));
  return jsonb_build_object('kind', 'ok', 'budget', dash.attempt_budget(a, t));
end $$;

-- A task that has spent what it may.
create or replace function dash.is_spent(t dash.tasks) returns boolean
language sql stable as $$
  select coalesce(l.usd <= 0, false) or coalesce(l.tokens <= 0, false) from dash.task_remainder(t) l
$$;

-- How a task ends whose budget is spent, with the figures.
create or replace function dash.spent_end(t dash.tasks) returns jsonb
language sql stable as $$
  select dash.failed_end('dead', 'budget', format(
    'The budget of the task was spent: %s USD and %s tokens in %s attempts.',
    trim_scale(round(t.spent_usd, 6)), t.spent_tokens, t.last_attempt))
$$;
