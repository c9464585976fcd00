import { beforeAll, expect, test } from '@jest/globals';
import { getChain, recordChain } from '../../../src/db/chain-store.ts';
import type { ChainVerdict } from '../../../src/domain/dashboard-chain/link.ts';
import { withApi, type CliRun } from './support.ts';

const running = withApi();
const cli = (...argv: string[]): Promise<CliRun> => running().dashctl(['chain', ...argv]);

const OK = { state: 'ok' } as const;
const WELL: ChainVerdict = { gateway: OK, forward: OK, cors: OK, external: OK };

async function say(verdict: ChainVerdict | null): Promise<void> {
  const { db } = running().database;
  const row = await getChain(db, 'g1');
  await recordChain(db, {
    gatewayId: 'g1',
    revision: row?.revision ?? 0,
    ownerEpoch: null,
    verdict,
    flapping: [],
    at: new Date().toISOString(),
    episodeSince: null,
    diagnosis: 'said by the test',
  });
}

beforeAll(async () => {
  const register = ['gateway', 'add', 'ws://127.0.0.1:18789', '--id', 'g1', '--token', 'secret'];
  await running().dashctl(register);
});

test('chain status: exit code 0 healthy or planned, 1 broken, 3 nobody can tell, 5 not watched (S15)', async () => {
  expect(await cli('list')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('No dashboard is watched'),
  });
  expect(await cli('status', 'g1')).toMatchObject({ exitCode: 5 });
  const set = await cli('set', 'g1', '--access-url', 'https://agents.example');
  expect(set).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('https://agents.ex') });
  expect(running().said).toContain('ensureChain g1');
  expect(await cli('status', 'g1')).toMatchObject({ exitCode: 3 });
  await say(WELL);
  expect(await cli('status', 'g1')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('is reachable'),
  });
  const evidence = { status: 502 };
  await say({
    ...WELL,
    external: { state: 'broken', reason: 'external-upstream-down', evidence },
  });
  const down = await cli('status', 'g1');
  expect(down.exitCode).toBe(1);
  expect(down.stdout).toContain('The way from outside: the proxy does not reach the gateway.');
  expect(down.stdout).toContain('status=502');
  const planned = { state: 'expected', because: 'ann drained it' } as const;
  await say({ gateway: planned, forward: planned, cors: planned, external: planned });
  expect(await cli('status', 'g1')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('Down by plan: ann drained it.'),
  });
  const json = await cli('status', 'g1', '--json');
  expect(json.json()).toMatchObject({ gatewayId: 'g1', health: 'planned' });
});

test('chain verify asks for a look, and is inconclusive (3) when nobody can look', async () => {
  expect(await cli('verify', 'g1')).toMatchObject({
    exitCode: 3,
    stdout: expect.stringContaining('no host holds the gateway'),
  });
  expect(running().said).toContain('verifyChain g1');
});

test('gateway url shows where to open it, and the token only when it is asked for (S15)', async () => {
  const url = (...argv: string[]): Promise<CliRun> =>
    running().dashctl(['gateway', 'url', 'g1', ...argv]);
  expect(await url()).toMatchObject({ exitCode: 0, stdout: 'https://agents.example\n' });
  expect(await url('--with-token')).toMatchObject({
    exitCode: 0,
    stdout: 'https://agents.example/#token=secret\n',
  });
});

test('chain heal says what was done; nobody to do it is inconclusive (3)', async () => {
  expect(await cli('heal', 'g1')).toMatchObject({
    exitCode: 3,
    stdout: expect.stringContaining('no host holds the gateway'),
    stderr: expect.stringContaining('may take minutes'),
  });
  expect(running().said).toContain('healChain g1');
  const dry = await cli('heal', 'g1', '--dry-run', '--json');
  expect(dry.json()).toMatchObject({ gatewayId: 'g1', taken: [], plan: [] });
});

test('chain pause, resume, history and remove; a URL that is none is wrong use (2)', async () => {
  expect(await cli('pause', 'g1', '--until', '+2h', '--reason', 'it moves')).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/paused +by .* until .*: it moves/),
  });
  expect((await cli('resume', 'g1')).stdout).not.toContain('paused');
  const history = await cli('history', 'g1');
  expect(history.stdout).toMatch(/resumed[^]*paused[^]*it moves[^]*verdict[^]*said by the test/);
  expect(await cli('set', 'g1', '--access-url', 'ftp://x')).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('https://agents.example'),
  });
  expect(await cli('remove', 'g1')).toMatchObject({ exitCode: 0 });
  expect(await cli('remove', 'g1')).toMatchObject({ exitCode: 5 });
});
