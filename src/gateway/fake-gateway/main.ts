/**
 * A fake gateway as a process of its own: `node src/gateway/fake-gateway/main.ts --token T [--port P]
 * [--state-file F] [--wire-log F] [--lanes N] [--recovery-delay-ms N] [--startup-ms N] [--begin-delay-ms N]`.
 *
 * Prints one line of JSON when it takes connections: `{"port":…,"endpoint":"…","pid":…}`. SIGKILL is a crash: with a
 * state file the next start finds what a state directory would hold. SIGTERM finishes running turns, says goodbye
 * and exits 0; SIGUSR2 restarts inside the process.
 */
import { parseArgs } from 'node:util';

import { startFakeGateway, type FakeGatewayOptions } from './fake-gateway.ts';

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    token: { type: 'string' },
    'state-file': { type: 'string' },
    'wire-log': { type: 'string' },
    lanes: { type: 'string' },
    'recovery-delay-ms': { type: 'string' },
    'startup-ms': { type: 'string' },
    'begin-delay-ms': { type: 'string' },
  },
});

const options: FakeGatewayOptions = {
  ...(values.token === undefined ? {} : { token: values.token }),
  ...(values['state-file'] === undefined ? {} : { statePath: values['state-file'] }),
  ...(values['wire-log'] === undefined ? {} : { wireLogPath: values['wire-log'] }),
  ...whole('port'),
  ...whole('lanes'),
  ...whole('recovery-delay-ms', 'recoveryDelayMs'),
  ...whole('startup-ms', 'startupMs'),
  ...whole('begin-delay-ms', 'beginDelayMs'),
};

const gateway = await startFakeGateway(options);
process.on('SIGTERM', () => void gateway.stop().then(() => process.exit(0)));
process.on('SIGINT', () => void gateway.stop({ drainMs: 0 }).then(() => process.exit(0)));
process.on('SIGUSR2', () => void gateway.restart());
process.stdout.write(
  `${JSON.stringify({ port: gateway.port, endpoint: gateway.endpoint, pid: process.pid })}\n`,
);

/** A whole number given under `name`, as the option `as`. */
function whole(name: keyof typeof values, as: string = name): Record<string, number> {
  const text = values[name];
  if (text === undefined) return {};
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0) return { [as]: value };
  process.stderr.write(`--${name} takes a whole number, not ${JSON.stringify(text)}\n`);
  process.exit(2);
}
