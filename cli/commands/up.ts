import { z } from 'zod';
import { defineCommand, type Command } from '../command.ts';
import { flag } from '../fields.ts';
import type { UpParts } from '../up/up-parts.ts';

/** What `dashctl up` was asked for. */
const input = z.object({ once: flag, firstSwarm: z.string().optional() });

/** The command; `parts` takes the place of what it would bring by itself. */
export function upCommand(parts: Partial<UpParts> = {}): Command {
  return defineCommand({
    path: ['up'],
    summary: 'Run everything on this machine: PostgreSQL, Temporal, Dash and one OpenClaw gateway',
    details:
      'What is missing is fetched, what an earlier kill left behind is ended or taken over first. PostgreSQL and Temporal ' +
      'are started unless DATABASE_URL and TEMPORAL_ADDRESS name others; all data is in one directory, everything listens ' +
      'on loopback. `npm start` is this command with the first swarm: it is run until it has completed once, an ' +
      'unfinished one is followed to its end instead.\n\n' +
      'Ctrl-C ends everything in order; work under way goes on at the next start. A second Ctrl-C ends at once.',
    options: [
      { flags: '--first-swarm <file>', help: 'run this swarm when it has never completed here' },
      {
        flags: '--once',
        help: 'run the swarm (also when it completed before), then end: exit code 0 when it completed',
      },
    ],
    examples: ['npm start', 'npm start -- --once', 'dashctl up --data-dir /srv/dash'],
    input: input.refine(({ once, firstSwarm }) => !once || firstSwarm !== undefined, {
      path: ['once'],
      message: 'goes with --first-swarm: it says what to run',
    }),
    run: async (given, context) => {
      const { runUp } = await import('../up/up.ts');
      return runUp(given, context, parts);
    },
  });
}
