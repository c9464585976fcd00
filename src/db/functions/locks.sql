-- Locks, in the one order that every transaction keeps (P2):
--   the lock of an idempotency key · claim lock · pool row · gateway rows · session rows · task rows with their attempts ·
--   budgets (their own lock, then rows by number) · swarms, then their nodes · attempt counts, then task counts · event lock.
-- Of two sessions at once only the claim locks rows; it holds the claim lock then, and every other transaction
-- stays within one session, so no circle can close.

-- P9: before anything is read that decides which work is bound to lanes.
create or replace function dash.lock_claims() returns void
language sql as $$
  select pg_advisory_xact_lock(7410, 1)
$$;

-- P5: taken last; from here on nothing waits for another lock, and the next thing is the COMMIT of the same round trip.
create or replace function dash.next_event() returns bigint
language plpgsql as $$
begin
  perform pg_advisory_xact_lock(7410, 2);
  return nextval('dash.events_seq');
end $$;

-- Serialises requests of the same content: the second one sees what the first one committed.
create or replace function dash.lock_key(p_key text) returns void
language sql as $$
  select pg_advisory_xact_lock(hashtextextended(p_key, 7410))
$$;

-- P3: the session first, then the task. A null row when there is no such task.
create or replace function dash.lock_task(p_task_id text) returns dash.tasks
language plpgsql as $$
declare
  v_session bigint;
  v_task dash.tasks;
begin
  select session_id into v_session from dash.tasks where id = p_task_id;
  if v_session is not null then
    perform 1 from dash.sessions where id = v_session for no key update;
  end if;
  select * into v_task from dash.tasks where id = p_task_id for no key update;
  return v_task;
end $$;

-- The session of a key, made when it is new, and locked.
create or replace function dash.lock_session(p_tenant text, p_key text) returns dash.sessions
language plpgsql as $$
declare
  v_session dash.sessions;
begin
  loop
    select * into v_session from dash.sessions where tenant = p_tenant and key = p_key for no key update;
    exit when found;
    insert into dash.sessions (tenant, key) values (p_tenant, p_key) on conflict do nothing;
  end loop;
  return v_session;
end $$;

-- An attempt with its task, both locked, and its gateway, kept from changing its owner or state meanwhile.
create or replace function dash.lock_attempt(
  p_attempt_id uuid,
  out attempt dash.attempts,
  out task dash.tasks,
  out gateway dash.gateways
)
language plpgsql as $$
declare
  v_task_id text;
  v_gateway_id text;
begin
  select task_id, gateway_id into v_task_id, v_gateway_id from dash.attempts where id = p_attempt_id;
  if v_task_id is null then
    return;
  end if;
  select * into gateway from dash.gateways where id = v_gateway_id for share;
  task := dash.lock_task(v_task_id);
  select * into attempt from dash.attempts where id = p_attempt_id for no key update;
end $$;

-- P25: true when the writer names an epoch that is not the owner's (any more).
create or replace function dash.is_superseded(p_owner_epoch bigint, g dash.gateways) returns boolean
language sql immutable as $$
  select p_owner_epoch is not null and p_owner_epoch <> g.owner_epoch
$$;
