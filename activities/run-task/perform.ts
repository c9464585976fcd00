import { assertNever } from '../../src/domain/assert-never.ts';
import type { Action } from '../../src/domain/attempt-protocol-types.ts';
import { resultOfRow } from '../result-of-row.ts';
import { abortRuns, follow, look, send } from './perform-at-gateway.ts';
import {
  adopt,
  close,
  commitSending,
  count,
  freeLane,
  handToPerson,
  reappear,
  recordAccepted,
  release,
  requestEnd,
  settle,
} from './perform-in-rows.ts';
import type { RunDeps } from './ports.ts';
import { pause, type Performed, type RunControl, type RunEnd } from './run-control.ts';
import type { RunState } from './run-state.ts';

/** Does one action of the attempt protocol: a write, a frame, or a wait. Decides nothing. */
export async function perform(
  deps: RunDeps,
  state: RunState,
  action: Action,
  control: RunControl,
): Promise<Performed> {
  switch (action.kind) {
    case 'return':
      return { kind: 'ended', end: endOfRow(state) };
    case 'look':
      return look(deps, state, action);
    case 'wait':
      return pause(state, action.forMs, control);
    case 'commit-sending':
      return commitSending(deps, state, action);
    case 'send':
      return send(deps, state, action, control);
    case 'record-accepted':
      return recordAccepted(deps, state);
    case 'adopt':
      return adopt(deps, state, action);
    case 'follow':
      return follow(deps, state, action, control);
    case 'abort':
      return pause(await abortRuns(deps, state, action), deps.policy.abortPollMs, control);
    case 'count-usage':
      return count(deps, state, action);
    case 'collect':
    case 'confirm-abort':
      return settle(deps, state, action);
    case 'fail':
      return close(deps, state, action);
    case 'release':
      return release(deps, state, action);
    case 'request-end':
      return requestEnd(deps, state, action);
    case 'indeterminate':
      return handToPerson(deps, state, action);
    case 'reappear':
      return reappear(deps, state);
    case 'free-lane':
      return freeLane(deps, state);
    default:
      return assertNever(action);
  }
}

function endOfRow(state: RunState): RunEnd {
  const end = resultOfRow(state.row);
  if (end === null) throw new Error(`attempt ${state.row.attemptId} is ${state.row.state}: no end`);
  return end;
}
