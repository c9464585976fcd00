import { afterEach, beforeEach } from '@jest/globals';
import {
  chainHistory,
  getChain,
  putChain,
  type ChainRecord,
} from '../../../../src/db/chain-store.ts';
import type { EventRecord } from '../../../../src/db/event-store.ts';
import type { ChainSettings } from '../../../../src/domain/dashboard-chain/settings.ts';
import { chainWorkflowId } from '../../../../src/domain/names.ts';
import { healthOf, type ChainHealth } from '../../../../src/domain/dashboard-chain/words.ts';
import { startTestDash, type TestDash } from '../../../support/dash.ts';
import { eventually } from '../../../support/eventually.ts';

/** Everything below a chain of gateway `g1`, with times short enough for tests. */
export interface ChainWorld {
  readonly dash: TestDash;
  watchDashboard(settings?: Partial<ChainSettings>): Promise<void>;
  chain(): Promise<ChainRecord>;
  /** Waits until the row says so. */
  becomes(health: ChainHealth): Promise<ChainRecord>;
  historyLength(): Promise<number>;
  /** Resolves when the watch has given one more sign of life: before and after each look. */
  nextBeat(): Promise<void>;
  /** Resolves when nothing is added to the history any more, with its length. */
  quiet(): Promise<number>;
  /** Oldest first. */
  told(): Promise<readonly EventRecord[]>;
}

const SETTINGS: ChainSettings = {
  accessUrl: null,
  proxied: false,
  bind: null,
  wslAddress: null,
  otherOrigins: [],
  pinnedFingerprint: null,
  heal: 'off',
  settleSeconds: 1,
  intervalSeconds: 1,
};

export function withChainWorld(): () => ChainWorld {
  let dash: TestDash;
  beforeEach(async () => {
    dash = await startTestDash();
  }, 150_000);
  afterEach(async () => {
    await dash?.close();
  }, 150_000);
  return () => worldOf(dash);
}

function worldOf(dash: TestDash): ChainWorld {
  const { db } = dash.database;
  const chain = async (): Promise<ChainRecord> => {
    const row = await getChain(db, 'g1');
    if (row === null) throw new Error('there is no chain');
    return row;
  };
  const handle = dash.temporal.client.workflow.getHandle(chainWorkflowId('g1'));
  const historyLength = async (): Promise<number> => (await handle.describe()).historyLength;
  const lastBeat = async (): Promise<string> => {
    const { raw } = await handle.describe();
    return JSON.stringify(raw.pendingActivities?.[0]?.lastHeartbeatTime ?? null);
  };
  const nextBeat = async (): Promise<void> => {
    const before = await lastBeat();
    await eventually(async () => (await lastBeat()) !== before, {
      timeoutMs: 20_000,
      what: 'a further look',
    });
  };
  return {
    dash,
    chain,
    historyLength,
    nextBeat,
    // The row says a change before the workflow has heard of it.
    quiet: () =>
      eventually(
        async () => {
          const before = await historyLength();
          await nextBeat();
          await nextBeat();
          return (await historyLength()) === before && before;
        },
        { timeoutMs: 60_000, what: 'the workflow to be quiet' },
      ),
    async watchDashboard(settings = {}) {
      await putChain(db, { gatewayId: 'g1', settings: { ...SETTINGS, ...settings }, actor: 'ann' });
      await dash.messages.ensureChain('g1');
    },
    becomes: (health) =>
      eventually(
        async () => {
          const row = await chain();
          if (row.verdict === null || healthOf(row.verdict) !== health)
            throw new Error(JSON.stringify(row.verdict));
          return row;
        },
        { timeoutMs: 60_000, what: `the chain to be ${health}` },
      ),
    async told() {
      const events = await chainHistory(db, { gatewayId: 'g1', limit: 100 });
      return events.toReversed();
    },
  };
}
