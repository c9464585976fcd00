/** `dashctl` with `up` as it is, except that its gateway is the fake one: a start costs no ten seconds of CPU. */
import { join } from 'node:path';
import { COMMANDS } from '../../../cli/commands.ts';
import { main } from '../../../cli/main.ts';
import { upCommand } from '../../../cli/commands/up.ts';

const entryPath = join(import.meta.dirname, 'fake-openclaw.ts');
const up = upCommand({ installOpenClaw: async () => ({ entryPath, version: 'fake' }) });
const others = COMMANDS.filter(({ path }) => path[0] !== 'up');

await main(process.argv.slice(2), [up, ...others]);
