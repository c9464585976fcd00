import type { RunConnection } from '../../../activities/run-task/ports.ts';
import type { Look, LookSeen, OwnRun } from '../../../src/domain/look.ts';
import { GatewayCallError } from '../../../src/gateway/gateway-call-error.ts';
import type { Fault, Scenario } from './scenario.ts';
import { ALL_RULES, type Rules } from './simulate.ts';

/** One rule of the protocol, taken away at the ports: the production code stays as it is, what it relies on does not. */
export interface Mutation {
  readonly name: string;
  readonly rules: Rules;
  /** Where the rule is what stands between the fault and the damage. */
  readonly scenario: Omit<Scenario, 'seed'>;
  /** What the checker says when it notices. */
  readonly noticedAs: RegExp;
}

/** One task, one short turn, these faults. The steps of a run are numbered as it reaches its race points. */
function scenario(
  faults: readonly Fault[],
  change: Partial<Scenario> = {},
): Omit<Scenario, 'seed'> {
  return {
    tasks: 1,
    session: false,
    deadlineMs: null,
    runLimitSeconds: 60,
    turns: [{ ms: 5, end: 'answer' }],
    recoveryMs: [],
    ...change,
    faults,
  };
}

const ROW_READ = 0;
const LOOKED = 1;
const BEFORE_FRAME = 3;
const SENT = 4;
const ACCEPTED = 5;

function atStep(nth: number, what: Fault['what']): Fault {
  return { when: { kind: 'step', nth }, what };
}

function atMs(ms: number, what: Fault['what']): Fault {
  return { when: { kind: 'at', ms }, what };
}

function gatewayCrash(loss: 'none' | 'state'): Fault['what'] {
  return { kind: 'gateway-crash', downMs: 0, loss };
}

/** The host dies with the answer in its hands; the row still says `sending`. */
const LOST_ACKNOWLEDGEMENT = atStep(SENT, { kind: 'host-crash', downMs: 0 });

function seeing(change: (look: LookSeen) => LookSeen): Rules {
  const look = async (
    connection: RunConnection,
    query: Parameters<RunConnection['look']>[0],
  ): Promise<Look> => {
    const seen = await connection.look(query);
    return seen.kind === 'seen' ? change(seen) : seen;
  };
  return {
    ...ALL_RULES,
    distort: (connection) => ({
      ...methodsOf(connection),
      look: (query) => look(connection, query),
    }),
  };
}

function methodsOf(connection: RunConnection): RunConnection {
  return {
    look: (query) => connection.look(query),
    sendRun: (request) => connection.sendRun(request),
    abortRun: (request) => connection.abortRun(request),
    followRun: (options) => connection.followRun(options),
    onState: (listener) => connection.onState(listener),
    onRunEvent: (runId, listener) => connection.onRunEvent(runId, listener),
  };
}

function blank({ runId }: OwnRun): OwnRun {
  return {
    runId,
    userRow: false,
    executing: false,
    pendingInput: null,
    answer: null,
    failure: null,
    usage: null,
    endedByRestart: false,
  };
}

/** Sends without having looked: the gateway seems empty until this host has sent something itself. */
const withoutLooking: Rules = {
  ...ALL_RULES,
  distort(connection) {
    const sentHere = new Set<string>();
    return {
      ...methodsOf(connection),
      async sendRun(request) {
        const result = await connection.sendRun(request);
        sentHere.add(request.runId);
        return result;
      },
      async look(query) {
        const seen = await connection.look(query);
        if (seen.kind !== 'seen' || query.runIds.some((runId) => sentHere.has(runId))) return seen;
        return { ...seen, own: seen.own.map(blank), recoveries: [], foreignRunIds: [] };
      },
    };
  },
};

/** Takes a lost answer for a refusal. */
const unknownIsRefused: Rules = {
  ...ALL_RULES,
  distort: (connection) => ({
    ...methodsOf(connection),
    async sendRun(request) {
      try {
        return await connection.sendRun(request);
      } catch (error) {
        if (!(error instanceof GatewayCallError) || error.outcome === 'refused') throw error;
        const { method, message } = error;
        throw new GatewayCallError({ method, code: 'NOT_CONNECTED', message, outcome: 'refused' });
      }
    },
  }),
};

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'it does not look before it sends (P22)',
    rules: withoutLooking,
    scenario: scenario([LOST_ACKNOWLEDGEMENT, atMs(3_000, gatewayCrash('none'))]),
    noticedAs: /R10: .* was sent again after it had begun/,
  },
  {
    name: 'a frame needs no proof of ownership (P24)',
    rules: { ...ALL_RULES, permits: false },
    scenario: scenario([atStep(BEFORE_FRAME, { kind: 'host-freeze', ms: 60_000 })]),
    noticedAs: /P24/,
  },
  {
    name: 'rows take writes of any epoch (P25)',
    rules: { ...ALL_RULES, epochs: false },
    scenario: scenario([atStep(LOOKED, { kind: 'host-freeze', ms: 20_000 })]),
    noticedAs: /P25/,
  },
  {
    name: 'an interrupted input is sent again under its burnt run id (P22 case 4)',
    rules: seeing((look) => ({
      ...look,
      own: look.own.map((run) => (run.pendingInput === 'interrupted' ? blank(run) : run)),
    })),
    scenario: scenario([atStep(SENT, gatewayCrash('none'))]),
    noticedAs: /could be known/,
  },
  {
    name: 'recovery runs are not adopted (P22 case 3)',
    rules: seeing((look) => ({ ...look, recoveries: [] })),
    scenario: scenario([atStep(ACCEPTED, gatewayCrash('none'))], {
      turns: [{ ms: 2_000, end: 'answer' }],
    }),
    noticedAs: /could be known/,
  },
  {
    name: 'any state directory is as good as another (P22 case 9)',
    rules: seeing((look) => ({ ...look, gateway: { ...look.gateway, stateId: 'state-1' } })),
    scenario: scenario([LOST_ACKNOWLEDGEMENT, atMs(3_000, gatewayCrash('state'))]),
    noticedAs: /executed twice/,
  },
  {
    name: 'nobody waits for the recovery grace (P22 case 5)',
    rules: seeing((look) => ({
      ...look,
      gateway: { ...look.gateway, readyForMs: 1e9, noRecoveryForMs: 1e9 },
    })),
    scenario: scenario([atStep(ACCEPTED, gatewayCrash('none'))], {
      turns: [{ ms: 2_000, end: 'answer' }],
      recoveryMs: [15_000],
    }),
    noticedAs: /could be known/,
  },
  {
    name: 'the grace of a turn runs while the gateway resumes another one (P22 case 5, ADR 0010)',
    rules: seeing((look) => ({
      ...look,
      gateway: { ...look.gateway, noRecoveryForMs: look.gateway.readyForMs },
    })),
    scenario: scenario([atMs(1_000, gatewayCrash('none'))], {
      tasks: 2,
      runLimitSeconds: 600,
      turns: [{ ms: 50_000, end: 'answer' }],
    }),
    noticedAs: /given to a person as no-recovery, and it could be known/,
  },
  {
    name: 'the row does not refuse a send after a cancel (P23)',
    rules: { ...ALL_RULES, cancelBeforeSending: false },
    scenario: scenario([atStep(ROW_READ, { kind: 'cancel', noticed: false, hastened: false })]),
    noticedAs: /P23/,
  },
  {
    name: 'an unknown outcome of a send counts as a refusal (R10)',
    rules: unknownIsRefused,
    scenario: scenario([atStep(BEFORE_FRAME, { kind: 'answers-lost', ms: 60_000 })]),
    noticedAs: /is released/,
  },
];
