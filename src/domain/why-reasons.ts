import type { Amounts, Budget } from './budget.ts';
import type { GatewayState, GatewayFailure } from './gateway.ts';
import type { BusyWith, Moment } from './why-facts.ts';

/**
 * Every reason why something waits, moves or stands, with the facts that belong to it. Codes are for programs and are
 * never given another meaning; `since` and `until` stand beside the facts.
 */

/** A gateway that takes no work now, and why in words. */
export interface ClosedGateway {
  readonly id: string;
  readonly state: GatewayState;
  readonly why: string;
  readonly hint: string | null;
  readonly since: string;
}

/** A gateway whose lanes are all in use. */
export interface BusyGateway {
  readonly id: string;
  readonly lanes: number;
  readonly held: number;
  readonly foreign: number;
  readonly busyWith: BusyWith;
}

/** Where a task must be claimed: its session's gateway, or the one of an attempt that may not be repeated elsewhere. */
interface Place {
  readonly pool: string;
  readonly pinnedTo: string | null;
  readonly session: string | null;
}

interface QueueReasons {
  'fleet-paused': { readonly by: string | null; readonly reason: string | null };
  'temporal-unreachable': { readonly detail: string };
  'workflows-behind': { readonly waiting: number; readonly oldestMs: number };
  'pool-empty': { readonly pool: string };
  'tenant-not-allowed': Place & { readonly tenant: string; readonly gateways: readonly string[] };
  'no-host-alive': Place & {
    readonly hosts: readonly { readonly host: string; readonly lastSeenAt: string | null }[];
  };
  'gateways-unavailable': Place & { readonly gateways: readonly ClosedGateway[] };
  'lanes-busy': Place & { readonly gateways: readonly BusyGateway[] };
  'tenant-cap': { readonly tenant: string; readonly limit: number; readonly running: number };
  'total-cap': { readonly limit: number; readonly running: number };
  'in-line': {
    readonly pool: string;
    readonly priority: string;
    /** 1: the next one; null: more than 1 000 are before it. */
    readonly place: number | null;
    readonly pinnedAhead: number;
    readonly openInPool: number | null;
  };
  'about-to-be-claimed': { readonly gateways: readonly string[] };
  'hosts-not-claiming': {
    readonly gateways: readonly { readonly id: string; readonly host: string | null }[];
  };
}

interface WaitReasons {
  'session-busy': {
    readonly session: string;
    readonly taskId: string;
    readonly taskState: string;
    readonly ahead: number;
  };
  'session-without-head': { readonly session: string };
  scheduled: Record<string, never>;
  'backing-off': {
    readonly attempt: number;
    readonly maxAttempts: number;
    readonly gatewayId: string | null;
    readonly failureClass: string | null;
    readonly message: string | null;
  };
  'swarm-paused': { readonly swarmId: string; readonly name: string };
  'approval-needed': {
    readonly approvalId: string;
    readonly prompt: string | null;
    readonly approvers: readonly string[] | null;
  };
  held: { readonly reason: string | null };
  blocked: { readonly reason: string | null };
  'session-quarantined': {
    readonly session: string;
    readonly reason: string | null;
    readonly by: string | null;
  };
  'budget-full': {
    readonly budget: string;
    readonly wants: Budget;
    readonly limit: Budget | null;
    readonly spent: Amounts | null;
    readonly reserved: Amounts | null;
  };
  'blocked-by-conflict': { readonly attemptId: string | null; readonly gatewayId: string | null };
}

/** An attempt as it concerns the reader of a reason. */
interface AttemptAt {
  readonly gatewayId: string;
  readonly attempt: number;
  readonly attemptId: string;
}

interface AttemptReasons {
  'not-delivered': AttemptAt;
  'not-taken-up': AttemptAt & { readonly host: string | null };
  sending: AttemptAt & { readonly runId: string | null };
  running: AttemptAt & { readonly runId: string | null; readonly runLimitSeconds: number };
  aborting: AttemptAt & { readonly reason: string };
  concluding: AttemptAt & { readonly outcome: string | null };
  'gateway-in-trouble': ClosedGateway;
  'decision-needed': AttemptAt & {
    readonly taskId: string;
    readonly reason: string | null;
    readonly evidence: unknown;
  };
  'decision-being-applied': AttemptAt & {
    readonly decision: string;
    readonly actor: string | null;
  };
  ended: {
    readonly state: string;
    readonly reason: string | null;
    readonly message: string | null;
    readonly attempts: number;
    readonly deadLetter: string | null;
    readonly replayTaskId: string | null;
  };
}

/** Nodes of a swarm by name, the first twenty; `count` is how many there are. */
interface Nodes<Node> {
  readonly count: number;
  readonly nodes: readonly Node[];
}

interface SwarmReasons {
  'swarm-ended': { readonly state: string; readonly reason: string | null };
  'swarm-being-cancelled': { readonly openTasks: number };
  'swarm-needs-decision': Nodes<{ readonly nodeId: string; readonly taskId: string }>;
  'swarm-needs-approval': Nodes<{ readonly nodeId: string; readonly approvalId: string }>;
  'swarm-news-unread': Record<string, never>;
  'swarm-tasks-open': Nodes<{
    readonly nodeId: string;
    readonly taskId: string;
    readonly state: string;
    readonly since: string;
  }> & { readonly byState: Readonly<Record<string, number>> };
  'swarm-at-max-parallel': { readonly maxParallel: number; readonly ready: number };
  'swarm-nodes-wait': Nodes<{ readonly nodeId: string; readonly waitsFor: readonly string[] }>;
  'swarm-about-to-go-on': { readonly ready: number };
}

interface SessionReasons {
  'session-idle': { readonly session: string; readonly gatewayId: string | null };
  'session-tasks-wait': { readonly session: string; readonly waiting: number };
}

/** A gateway in one of its states. */
export interface GatewayAt {
  readonly gatewayId: string;
  readonly reason: string | null;
  readonly hint: string | null;
  readonly failure: GatewayFailure | null;
  readonly host: string | null;
}

/** One code per state of a gateway. */
type GatewayStateReasons = { [State in GatewayState as `gateway-${State}`]: GatewayAt };

interface GatewayReasons extends GatewayStateReasons {
  'owner-silent': { readonly gatewayId: string; readonly host: string };
  'wish-not-reached': { readonly desired: string; readonly state: GatewayState };
  'lanes-in-use': BusyGateway;
  'lanes-cut-by-health': { readonly gatewayId: string; readonly lanes: number };
  'lanes-free': { readonly free: number; readonly lanes: number; readonly foreign: number };
  'work-waits-for-it': {
    readonly gatewayId: string;
    readonly pinnedTasks: number;
    readonly sessions: number;
  };
}

export interface WhyFactsByCode
  extends QueueReasons, WaitReasons, AttemptReasons, SwarmReasons, SessionReasons, GatewayReasons {}

export type WhyCode = keyof WhyFactsByCode;

interface ReasonOf<Code extends WhyCode> {
  readonly code: Code;
  readonly facts: WhyFactsByCode[Code];
  readonly since: Moment | null;
  readonly until: Moment | null;
}

/** One reason, before it is put into words. */
export type Reason = { [Code in WhyCode]: ReasonOf<Code> }[WhyCode];

export interface Words {
  readonly sentence: string;
  /** What a person could do; null: nothing is called for. */
  readonly action: string | null;
}

/** The words of some codes: the compiler refuses a table with a gap. */
export type WordsOf<Codes extends WhyCode> = {
  readonly [Code in Codes]: (reason: ReasonOf<Code>) => Words;
};

export type QueueCode = keyof QueueReasons;
export type WaitCode = keyof WaitReasons;
export type AttemptCode = keyof AttemptReasons;
export type SwarmCode = keyof SwarmReasons | keyof SessionReasons;
export type GatewayCode = keyof GatewayReasons;

/** Makes a reason; `when` says since when, and until when. */
export function because<Code extends WhyCode>(
  code: Code,
  facts: WhyFactsByCode[Code],
  when: { readonly since?: Moment | null; readonly until?: Moment | null } = {},
): Reason {
  // The code and its facts were checked against each other by the signature.
  return { code, facts, since: when.since ?? null, until: when.until ?? null } as Reason;
}
