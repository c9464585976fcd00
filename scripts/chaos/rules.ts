/** What must hold, in the words of the report; one violation of one of them breaks the run. */
export const RULES = {
  lost: 'no accepted task is lost (R11)',
  oneEnd: 'a task has exactly one terminal state (R11)',
  trueEnd: 'the end of a task is what its gateway did (R11)',
  swarmEnd: 'a swarm ends with what its nodes answered (R11)',
  doubled: 'one executing run per attempt, one answer per task (R10)',
  resent: 'no run is sent while an earlier one may go on (R10)',
  asked: 'only accepted work runs (R9)',
  oneKey: 'one key, one task (R9)',
  lossIsFree: 'the loss of a host or a gateway costs no attempt (R15)',
  aborted: 'nothing is aborted that nobody wants ended (R13)',
  decided: 'a decision is what the wire logs show (P29)',
  overlap: 'tasks of a session never overlap (R1)',
  order: 'a session runs in submit order (R1)',
  interrupted: 'a working session gets no second message (R2)',
  moved: 'a session stays on its gateway (R3)',
  afterEnd: 'nothing runs after the end of its task (R13)',
  running: 'nothing executes at the end (R13)',
  lanesFree: 'lanes are free at the end (R13, R14)',
  lanes: 'no gateway has more than its lanes (R17)',
  noError: 'the API never answers 500 (R45)',
  noCrash: 'no process ends by itself (R47)',
  inTime: 'the run ends within its time (R47)',
} as const;

export type Rule = (typeof RULES)[keyof typeof RULES];

/** `rule` names the guarantee that was broken, `what` the evidence. */
export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}
