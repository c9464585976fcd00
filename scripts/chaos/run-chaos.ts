import { existsSync, readFileSync } from 'node:fs';
import { createClient, type DashClient } from '../../src/contract/client.ts';
import { ApiError } from '../../src/contract/client-errors.ts';
import { check } from './checker.ts';
import { evidenceOf, type Evidence } from './evidence.ts';
import { executionsOf } from './executions.ts';
import { startFleet, untilReady, type Fleet } from './fleet.ts';
import type { Ground } from './ground.ts';
import { Observer, type Decided } from './observer.ts';
import type { ChaosOptions } from './options.ts';
import { paceFor } from './pace.ts';
import { RULES, type Rule, type Violation } from './rules.ts';
import { strikeAll, type StrikeReport } from './strike-all.ts';
import { planStrikes } from './strikes.ts';
import { Submitter, type SubmitCounts } from './submitter.ts';
import { takeTestimony } from './testimony.ts';
import type { Witness } from './witness.ts';
import { planWorkload } from './workload.ts';

/** Everything that a run brought to light. */
export interface ChaosResult {
  readonly options: ChaosOptions;
  readonly strikes: readonly StrikeReport[];
  readonly counts: SubmitCounts;
  readonly decided: readonly Decided[];
  readonly evidence: Evidence;
  readonly violations: readonly Violation[];
  readonly seconds: { readonly setUp: number; readonly work: number };
}

export interface ChaosSurroundings {
  readonly ground: Ground;
  readonly abort: AbortSignal;
  readonly say: (line: string) => void;
}

const REQUEST_TIMEOUT_MS = 5_000;
const OPEN_TIMEOUT_MS = 90_000;
const LOOK_EVERY_MS = 1_000;
/** The looks at a large backlog must not be a load of their own: so many times their duration lies between two. */
const LOOK_SHARE = 4;
const SAY_EVERY_MS = 5_000;
/** The lane of a run that has just ended is given back after its end was told. */
const LANES_SETTLE_MS = 20_000;

/** One run: start everything, submit, strike, wait for every end, check. Throws when it cannot be carried out. */
export async function runChaos(
  options: ChaosOptions,
  surroundings: ChaosSurroundings,
): Promise<ChaosResult> {
  const { ground, say } = surroundings;
  const { clock } = ground;
  const faults: Violation[] = [];
  const onFault = (rule: Rule, what: string): void => {
    faults.push({ rule, what });
    say(`! ${rule}: ${what}`);
  };
  const onCrash = (what: string): void => onFault(RULES.noCrash, what);
  const startedAt = clock.monotonic();
  const { abort } = surroundings;
  const limit = timeLimit(options, surroundings, (what) => onFault(RULES.inTime, what));
  const fleet = await startFleet(ground, options, { say, onCrash, abort });
  try {
    const counts = { lostAnswers: 0, refusals: 0, repeats: 0 };
    const client = await openClient(fleet, surroundings, () => {
      counts.lostAnswers += 1;
    });
    const submitter = new Submitter({ client, clock, abort, stop: limit.stop, onFault, counts });
    await registerGateways(fleet, client, submitter, surroundings);
    const witnesses = fleet.gateways.map(({ witness }) => witness);
    const observer = new Observer({ client, submitter, witnesses, clock });
    const parts = { options, fleet, submitter, observer, witnesses, client, stop: limit.stop };
    const readyAt = clock.monotonic();
    const strikes = await playOut(parts, surroundings);
    const endedAt = clock.monotonic();
    const testimony = await takeTestimony(parts);
    return {
      options,
      strikes,
      counts,
      decided: observer.decisions(),
      evidence: evidenceOf(testimony),
      violations: [...faults, ...check(testimony)],
      seconds: { setUp: seconds(readyAt - startedAt), work: seconds(endedAt - readyAt) },
    };
  } finally {
    limit.dismiss();
    say('ending all processes');
    await fleet.close();
  }
}

/** Stops the work when the time of the run is over, and when it is interrupted; `dismiss` ends its timer. */
function timeLimit(
  { limitMinutes }: ChaosOptions,
  { ground: { clock }, abort }: ChaosSurroundings,
  onLate: (what: string) => void,
): { readonly stop: AbortSignal; dismiss(): void } {
  const over = new AbortController();
  const dismissed = new AbortController();
  const { signal } = dismissed;
  void clock.sleep(limitMinutes * 60_000, AbortSignal.any([signal, abort])).then(() => {
    if (signal.aborted || abort.aborted) return;
    onLate(`it was not over after ${limitMinutes} minutes: what is open counts as lost`);
    over.abort();
  });
  return { stop: AbortSignal.any([over.signal, abort]), dismiss: () => dismissed.abort() };
}

interface Playing {
  readonly options: ChaosOptions;
  readonly fleet: Fleet;
  readonly submitter: Submitter;
  readonly observer: Observer;
  readonly witnesses: readonly Witness[];
  readonly client: DashClient;
  /** No more work and no more strikes. */
  readonly stop: AbortSignal;
}

/** Work and strikes side by side, then everything up again, then the wait for the ends. */
async function playOut(playing: Playing, surroundings: ChaosSurroundings): Promise<StrikeReport[]> {
  const { options, fleet, submitter, witnesses, stop } = playing;
  const { ground, abort, say } = surroundings;
  const reports: StrikeReport[] = [];
  const state = { isCalm: false, isOver: false };
  const watching = watch(playing, surroundings, state);
  const striking = strikeAll({
    strikes: planStrikes({ ...options, holdTimeoutMs: paceFor(options.gateways).holdTimeoutMs }),
    parts: fleet.parts,
    progress: () => answeredShare(witnesses, options.tasks),
    isWorking: (name) => executesNow(witnesses, name),
    clock: ground.clock,
    abort: stop,
    onStrike(report) {
      reports.push(report);
      const { blow, part, pauseMs, progress } = report;
      say(`${blow} ${part} for ${pauseMs} ms at ${Math.round(progress * 100)} % answered`);
    },
  });
  const submitting = submitter.submitAll(planWorkload({ ...options, allAnswer: options.real > 0 }));
  try {
    await Promise.all([striking, submitting]);
    await untilReady(fleet.parts, ground, abort);
    say('everything was submitted, every victim is back');
    state.isCalm = true;
    await watching;
  } finally {
    state.isOver = true;
    await Promise.allSettled([striking, submitting, watching]);
  }
  return reports;
}

/** Reads the states again and again, decides what is indeterminate, and ends when all has ended or patience has. */
async function watch(
  { options, submitter, observer, witnesses, client, stop }: Playing,
  { ground, abort, say }: ChaosSurroundings,
  state: { readonly isCalm: boolean; readonly isOver: boolean },
): Promise<void> {
  const { clock } = ground;
  let lastNews = '';
  let lastNewsAt = clock.monotonic();
  let saidAt = lastNewsAt;
  while (!state.isOver) {
    abort.throwIfAborted();
    const lookedAt = clock.monotonic();
    await observer.look(state.isCalm).catch(ignoreOutage);
    const lookMs = clock.monotonic() - lookedAt;
    const answered = Math.round(answeredShare(witnesses, options.tasks) * 100);
    const news = `${JSON.stringify(observer.states())}, ${answered} % answered`;
    const now = clock.monotonic();
    if (news !== lastNews) [lastNews, lastNewsAt] = [news, now];
    if (now - saidAt >= SAY_EVERY_MS) {
      saidAt = now;
      say(`${submitter.accepted.length} accepted; ${news}`);
    }
    if (state.isCalm && (await observer.isAllEnded().catch(() => false))) break;
    if (state.isCalm && stop.aborted) break;
    if (now - lastNewsAt > options.patienceSeconds * 1_000) {
      say(`no news for ${options.patienceSeconds} s: what is open counts as lost`);
      break;
    }
    await clock.sleep(Math.max(LOOK_EVERY_MS, LOOK_SHARE * lookMs), stop.aborted ? abort : stop);
  }
  await lanesFree(client, ground);
}

/** Waits, bounded, until no lane is held: what is held then is a finding of the checker. */
async function lanesFree(client: DashClient, { clock }: Ground): Promise<void> {
  const deadline = clock.monotonic() + LANES_SETTLE_MS;
  while (clock.monotonic() < deadline) {
    const page = await client.gateways.list({}).catch(() => null);
    if (page?.items.every(({ lanes }) => lanes.held === 0) === true) return;
    await clock.sleep(LOOK_EVERY_MS);
  }
}

/** Share of the planned tasks that have an answer or a failure on the wire. */
function answeredShare(witnesses: readonly Witness[], tasks: number): number {
  for (const witness of witnesses) witness.look();
  const ends = witnesses.reduce((sum, witness) => sum + witness.endedCount(), 0);
  return Math.min(1, ends / tasks);
}

function executesNow(witnesses: readonly Witness[], gatewayId: string): boolean {
  const log = witnesses.find((witness) => witness.gatewayId === gatewayId)?.look() ?? [];
  return executionsOf(gatewayId, log).some(({ end }) => end === null);
}

/** A client that gives up on a request after five seconds: a frozen api must not freeze it. */
async function openClient(
  { api }: Fleet,
  { ground: { clock, dir }, abort }: ChaosSurroundings,
  onLost: () => void,
): Promise<DashClient> {
  const deadline = clock.monotonic() + OPEN_TIMEOUT_MS;
  while (!existsSync(api.keyFile)) {
    if (clock.monotonic() > deadline)
      throw new Error(`the api made no key; see ${dir}/logs/api.log`);
    await clock.sleep(100, abort);
    abort.throwIfAborted();
  }
  return createClient({
    baseUrl: api.baseUrl,
    apiKey: readFileSync(api.keyFile, 'utf8').trim(),
    // Counted here: the client repeats by itself what it may, with the same key.
    fetch: async (input, init) => {
      try {
        return await fetch(input, { ...init, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
      } catch (error) {
        onLost();
        throw error;
      }
    },
    sleep: clock.sleep,
    random: () => 0.5,
  });
}

async function registerGateways(
  { gateways }: Fleet,
  client: DashClient,
  submitter: Submitter,
  { ground: { clock, dir }, say }: ChaosSurroundings,
): Promise<void> {
  say(`registering ${gateways.length} gateways`);
  for (const { gatewayId, endpoint, token, lanes } of gateways) {
    const body = { kind: 'adopted', id: gatewayId, endpoint, token, lanes } as const;
    await submitter.insist(() => client.gateways.register({ body }).catch(isThere));
  }
  const deadline = clock.monotonic() + OPEN_TIMEOUT_MS;
  for (;;) {
    const { items } = await submitter.insist(() => client.gateways.list({}));
    const waiting = items.filter(({ state }) => state !== 'open');
    if (waiting.length === 0) return;
    if (clock.monotonic() > deadline) {
      const states = waiting.map(
        ({ id, state, stateReason }) => `${id}: ${state} (${stateReason})`,
      );
      throw new Error(`not open: ${states.join('; ')}; see ${dir}/logs`);
    }
    await clock.sleep(200);
  }
}

/** Registered by a request whose answer was lost. */
function isThere(error: unknown): void {
  if (error instanceof ApiError && error.problem.code === 'gateway-exists') return;
  throw error;
}

/** While kills fall, reading fails as well; the next look comes soon. */
function ignoreOutage(error: unknown): void {
  if (!(error instanceof Error)) throw error;
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}
