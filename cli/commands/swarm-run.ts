import { z } from 'zod';
import { defineCommand } from '../command.ts';
import type { CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { flag, spanSeconds } from '../fields.ts';
import { count } from '../output/format.ts';
import { submitSafely } from '../submit-safely.ts';
import { readSwarmFile } from '../swarm-file.ts';
import { followSwarm, openQuestions, swarmLine, type SwarmView } from '../swarm-outcome.ts';
import { readNodeResults, type NodeResult } from '../swarm-results.ts';
import { outcomeLine } from '../task-outcome.ts';

const input = z.object({
  file: z.string(),
  idempotencyKey: z.string().optional(),
  wait: flag,
  timeout: spanSeconds.optional(),
  check: flag,
});

export const swarmRun = defineCommand({
  path: ['swarm', 'run'],
  summary: 'Run the swarm that a file describes',
  details:
    'The file (YAML or JSON, see examples/) is checked first: every error is printed with line, column and path, and ' +
    'nothing is created (exit code 2). Prints the id of the swarm; with --wait follows it to its end and prints each ' +
    'answer (exit code 1 when it did not complete).',
  arguments: [{ name: 'file', help: 'specification (`-`: standard input)' }],
  options: [
    { flags: '--check', help: 'only check the file' },
    {
      flags: '--idempotency-key <key>',
      help: 'repeat safely: the same key answers the same swarm',
    },
    { flags: '--wait', help: 'follow it to its end and print the answers' },
    {
      flags: '--timeout <span>',
      help: 'with --wait: how long to wait (exit code 3 afterwards; the swarm goes on)',
    },
  ],
  examples: [
    'dashctl swarm run examples/first-swarm.yaml --wait',
    'dashctl swarm run swarm.yaml --check',
  ],
  input,
  run: runSwarm,
});

async function runSwarm(given: z.output<typeof input>, context: CliContext): Promise<ExitCode> {
  const { output } = context;
  const { spec, nodeCount } = await readSwarmFile({ ...context, file: given.file });
  if (given.check) {
    output.result({ valid: true, nodes: nodeCount }, (print) =>
      print.line(`valid: ${count(nodeCount, 'node')}`),
    );
    return EXIT.ok;
  }
  const client = await context.client();
  const { existing, swarm } = await submitSafely({
    context,
    idempotencyKey: given.idempotencyKey ?? context.randomId(),
    submit: (idempotencyKey) =>
      client.swarms.run({ body: spec, idempotencyKey, signal: context.signal }),
  });
  if (existing) output.note('This idempotency key was used before: the same swarm is answered.');
  if (!given.wait) {
    output.result({ existing, swarm }, (print) => print.line(swarm.id));
    if (output.isInteractive) output.note(`Follow it: dashctl swarm status ${swarm.id} --wait`);
    return EXIT.ok;
  }
  output.note(`Running ${swarm.id} (${count(nodeCount, 'node')}).`);
  return waitForSwarm({ swarmId: swarm.id, timeout: given.timeout }, context);
}

/** Follows a swarm to its end and prints each node's answer; exit code 1 when it did not complete. */
export async function waitForSwarm(
  given: { readonly swarmId: string; readonly timeout: number | undefined },
  context: CliContext,
): Promise<ExitCode> {
  const { output } = context;
  const client = await context.client();
  let said = '';
  const asked = new Set<string>();
  const view = await followSwarm({
    context,
    client,
    swarmId: given.swarmId,
    timeoutMs: given.timeout === undefined ? undefined : given.timeout * 1000,
    onView: (seen) => {
      const line = swarmLine(seen.swarm);
      if (line !== said) output.note(line);
      said = line;
      for (const question of openQuestions(seen)) {
        if (!asked.has(question)) output.note(question);
        asked.add(question);
      }
    },
  });
  const results = await readNodeResults(client, view);
  showSwarmResults(view, results, context);
  return view.swarm.state === 'completed' ? EXIT.ok : EXIT.failed;
}

function showSwarmResults(
  view: SwarmView,
  results: readonly NodeResult[],
  context: CliContext,
): void {
  context.output.result({ swarm: view.swarm, nodes: results }, (print) => {
    for (const { node, outcome } of results) {
      const how =
        outcome === null
          ? [node.state, node.reason].filter(Boolean).join(': ')
          : outcomeLine(outcome);
      print.line(`${print.paint('bold', node.id)}  ${print.paint('dim', how)}`);
      const answer = outcome?.task.output ?? null;
      if (answer !== null) print.foreign(answer);
      print.line();
    }
  });
}
