import { expect, test } from '@jest/globals';
import { withApi } from './support.ts';

const running = withApi();
const cli = (argv: string[]) => running().dashctl(argv);

test('dashctl budget sets, lists, shows and removes; a task shows its own (P15)', async () => {
  expect((await cli(['budget', 'list'])).stderr).toContain('No budget is set');
  const set = await cli(['budget', 'set', 'tenant:acme', '--usd', '2.50', '--tokens', '900']);
  expect(set).toMatchObject({ exitCode: 0 });
  expect(set.stdout).toMatch(/limit +\$2\.5000, 900 tokens/);
  await cli(['budget', 'set', 'fleet', '--tokens', '5', '--period', 'day']);
  expect((await cli(['budget', 'list'])).stdout).toMatch(
    /fleet +day +5 tokens +\$0\.0000, 0 tokens/,
  );
  expect((await cli(['budget', 'list', '--scope', 'tenant', '--json'])).json()).toMatchObject({
    items: [{ name: 'tenant:acme', limit: { usd: 2.5, tokens: 900 } }],
  });
  expect((await cli(['budget', 'get', 'fleet'])).stdout).toMatch(/until +\d{4}-\d\d-\d\dT00:00/);
  expect(await cli(['budget', 'remove', 'fleet'])).toMatchObject({ stdout: 'Removed fleet.\n' });
  expect(await cli(['budget', 'get', 'fleet'])).toMatchObject({ exitCode: 5 });
  const prompt = ['--prompt', 'x', '--budget-usd', '0.10', '--json'];
  const { task } = (await cli(['task', 'submit', ...prompt])).json() as { task: { id: string } };
  expect((await cli(['task', 'get', task.id])).stdout).toMatch(/budget +\$0\.1000/);
});

test.each([
  [['budget', 'set', 'fleet'], 'A limit is missing'],
  [['budget', 'set', 'fleet', '--usd', '-1'], 'greater than 0'],
  [['budget', 'set', 'fleet', '--tokens', '0'], 'at least 1'],
])('%j is refused with what is right (P15)', async (argv, words) => {
  expect(await cli(argv)).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(words) });
});
