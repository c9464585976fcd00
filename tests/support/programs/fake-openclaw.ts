/**
 * Stands in for `openclaw.mjs`: called like it (`gateway run --bind loopback --port P`), reads the
 * configuration that Dash wrote for it, keeps its state where OpenClaw would, and speaks the real wire.
 * Its wire log, `wire.jsonl` beside the configuration, is the witness of what it executed.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { startFakeGateway } from '../../../src/gateway/fake-gateway/fake-gateway.ts';

const { values } = parseArgs({
  allowPositionals: true,
  options: { bind: { type: 'string' }, port: { type: 'string' } },
});
const configPath = process.env['OPENCLAW_CONFIG_PATH'] ?? '';
const config = JSON.parse(readFileSync(configPath, 'utf8')) as {
  gateway: { bind: string; auth: { token: string } };
};
if (values.bind !== 'loopback' || config.gateway.bind !== 'loopback') {
  process.stderr.write('a managed gateway must listen on loopback only\n');
  process.exit(78);
}
const gateway = await startFakeGateway({
  port: Number(values.port),
  token: config.gateway.auth.token,
  statePath: join(process.env['OPENCLAW_STATE_DIR'] ?? '', 'state.json'),
  wireLogPath: join(dirname(configPath), 'wire.jsonl'),
  recoveryDelayMs: 500,
});
process.on('SIGTERM', () => void gateway.stop().then(() => process.exit(0)));
