import { expect, test } from '@jest/globals';
import { describeConfig } from '../../../src/config/describe-config.ts';
import { allSettings } from '../../../src/config/settings.ts';

test('every setting has a variable of its own and stands in the reference with its default', () => {
  const settings = allSettings();
  expect(new Set(settings.map(({ env }) => env)).size).toBe(settings.length);
  const page = describeConfig();
  for (const { path, env } of settings)
    expect(page).toContain(`| \`${path.join('.')}\` | \`${env}\` |`);
  expect(page).toContain('| `api.port` | `DASH_API_PORT` | `7410` |');
  expect(page).toContain('| `hold.heartbeatMs` | `DASH_HOLD_HEARTBEAT_MS` | `3000` |');
});

test('what is a secret is marked as one', () => {
  const secrets = allSettings().filter(({ secret }) => secret === true);
  expect(secrets.map(({ env }) => env)).toEqual([
    'DASH_SECRET_KEY',
    'DATABASE_URL',
    'DASH_MODEL_API_KEY',
    'OPENAI_API_KEY',
    'ANTHROPIC_API_KEY',
  ]);
});
