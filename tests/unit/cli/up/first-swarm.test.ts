import { describe, expect, test } from '@jest/globals';
import type { CliContext } from '../../../../cli/context.ts';
import { beginFirstSwarm } from '../../../../cli/up/first-swarm.ts';
import type { DashClient } from '../../../../src/contract/client.ts';
import { systemClock } from '../../../../src/platform/clock.ts';

const context = { randomId: () => 'key', clock: systemClock() } as unknown as CliContext;
const spec = { name: 'first', nodes: [{ id: 'a', prompt: 'p' }] };

/** Newest first, as the API lists them. */
async function begin(states: readonly string[], again = false) {
  const submitted: unknown[] = [];
  const items = states.map((state, index) => ({
    id: `s${index}`,
    name: state === 'other' ? 'other' : 'first',
    state,
  }));
  const client = {
    swarms: {
      list: async () => ({ items, nextCursor: null }),
      run: async (call: unknown) => {
        submitted.push(call);
        return { existing: false, swarm: { id: 'new', name: 'first', state: 'running' } };
      },
    },
  } as unknown as DashClient;
  const begun = await beginFirstSwarm({ context, client, spec, again });
  return { kind: begun.kind, id: begun.swarm.id, submitted: submitted.length };
}

describe('the first swarm of a start', () => {
  test.each([
    ['nothing was ever run here', [], false, { kind: 'submitted', id: 'new', submitted: 1 }],
    [
      'only other swarms were run',
      ['other'],
      false,
      { kind: 'submitted', id: 'new', submitted: 1 },
    ],
    [
      'it never completed',
      ['failed', 'cancelled'],
      false,
      { kind: 'submitted', id: 'new', submitted: 1 },
    ],
    [
      'it completed before',
      ['failed', 'completed'],
      false,
      { kind: 'done-before', id: 's1', submitted: 0 },
    ],
    [
      'it completed before and --once asks for it',
      ['completed'],
      true,
      { kind: 'submitted', id: 'new', submitted: 1 },
    ],
    [
      'one is unfinished',
      ['completed', 'running'],
      false,
      { kind: 'followed', id: 's1', submitted: 0 },
    ],
    [
      'one is unfinished and --once asks for it',
      ['paused', 'completed'],
      true,
      { kind: 'followed', id: 's0', submitted: 0 },
    ],
  ])('when %s', async (_name, states, again, expected) => {
    expect(await begin(states, again)).toEqual(expected);
  });
});
