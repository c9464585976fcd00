/** The filter of dead letters on a command line: the same for lists and for bulk operations. */
import { z } from 'zod';
import { FAILURE_CLASSES } from '../src/domain/failure.ts';
import type { OptionSpec } from './command.ts';
import { textList } from './fields.ts';

const REASONS = ['attempts', 'permanent', 'discarded', 'budget'] as const;

export const deadLetterFilterOptions: readonly OptionSpec[] = [
  { flags: '--reason <reasons>', help: `only these reasons (${REASONS.join(', ')})` },
  {
    flags: '--failure-class <classes>',
    help: `only these classes of the last failure (${FAILURE_CLASSES.join(', ')})`,
  },
  { flags: '--tenant <tenant>', help: 'only this tenant' },
  { flags: '--pool <pool>', help: 'only this pool' },
  { flags: '--session <key>', help: 'only this session' },
  { flags: '--swarm <id>', help: 'only this swarm' },
  { flags: '--gateway <gateway>', help: 'only those whose last attempt was there' },
  { flags: '--from <moment>', help: 'dead at this moment (like 2026-11-22T15:00:00Z) or later' },
  { flags: '--to <moment>', help: 'dead before this moment' },
];

export const deadLetterFilter = {
  reason: textList.pipe(z.array(z.enum(REASONS)).optional()),
  failureClass: textList.pipe(z.array(z.enum(FAILURE_CLASSES)).optional()),
  tenant: z.string().optional(),
  pool: z.string().optional(),
  session: z.string().optional(),
  swarm: z.string().optional(),
  gateway: z.string().optional(),
  from: z.string().optional(),
  to: z.string().optional(),
};
