import { expect, test } from '@jest/globals';
import { COMMANDS } from '../../../cli/commands.ts';
import { EXIT, EXIT_MEANINGS } from '../../../cli/exit-codes.ts';
import { GLOBAL_OPTIONS } from '../../../cli/program.ts';
import { cliReference } from '../../../cli/reference.ts';

test('the reference page has every command with its options, and every exit code', () => {
  const page = cliReference(COMMANDS);
  for (const { path, options } of COMMANDS) {
    expect(page).toContain(`## dashctl ${path.join(' ')}\n`);
    for (const { flags } of options) expect(page).toContain(`\`${flags}\``);
  }
  for (const { flags } of GLOBAL_OPTIONS) expect(page).toContain(`\`${flags}\``);
  expect(EXIT_MEANINGS.map(({ code }) => code)).toEqual(Object.values(EXIT));
  for (const code of Object.values(EXIT)) expect(page).toContain(`| ${code} |`);
});

test('the commands that the issue names exist', () => {
  const names = COMMANDS.map(({ path }) => path.join(' '));
  expect(names).toEqual(
    expect.arrayContaining([
      ...['up', 'doctor', 'migrate', 'events tail'],
      ...['submit', 'get', 'list', 'watch', 'cancel', 'decide', 'replay', 'discard'].map(
        (verb) => `task ${verb}`,
      ),
      ...['run', 'status', 'cancel', 'pause', 'resume'].map((verb) => `swarm ${verb}`),
      ...['list', 'get'].map((verb) => `session ${verb}`),
      ...[
        'add',
        'list',
        'get',
        'set',
        'start',
        'stop',
        'drain',
        'undrain',
        'cordon',
        'uncordon',
        'restart',
        'recover',
        'remove',
      ].map((verb) => `gateway ${verb}`),
    ]),
  );
});

test('every option of every command has a name of its own', () => {
  for (const { path, options } of COMMANDS) {
    const flags = [...options, ...GLOBAL_OPTIONS].map((option) => option.flags.split(' ')[0]);
    expect({ path, unique: new Set(flags).size }).toEqual({ path, unique: flags.length });
  }
});
