/** What `dashctl up` says: plain sentences and blocks, the same on a terminal and in a log. */
import type { Gateway } from '../../src/contract/gateways.ts';
import type { ModelProvider } from '../../src/config/model-provider.ts';
import { assertNever } from '../../src/domain/assert-never.ts';
import { gatewayStateWords } from '../gateway-state.ts';
import { duration } from '../output/format.ts';
import { renderFields } from '../output/table.ts';
import { harmless } from '../output/text.ts';
import type { NodeResult } from '../swarm-results.ts';
import { outcomeLine } from '../task-outcome.ts';

/** Which model answers; the stub is named for what it is. */
export function modelLine(model: ModelProvider): string {
  switch (model.kind) {
    case 'stub':
      return (
        'No model key was found (OPENAI_API_KEY, ANTHROPIC_API_KEY, DASH_MODEL_BASE_URL): a built-in stub model answers ' +
        'with canned text. The gateway, its protocol, Temporal and PostgreSQL are real.'
      );
    case 'openai':
      return `Answers come from OpenAI${named(model.model)}; calls cost money.`;
    case 'anthropic':
      return `Answers come from Anthropic${named(model.model)}; calls cost money.`;
    case 'openai-compatible':
      return `Answers come from ${withoutSecrets(model.baseUrl)}${named(model.model)}.`;
    default:
      return assertNever(model);
  }
}

function named(model: string | null): string {
  return model === null ? '' : ` (${model})`;
}

function withoutSecrets(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? url : `${parsed.origin}${parsed.pathname}`;
}

/** The page of a workflow in Temporal Web; without one, its id. */
export function workflowLink(options: {
  temporalWebUrl: string | null;
  namespace: string;
  workflowId: string;
}): string {
  const { temporalWebUrl, namespace, workflowId } = options;
  if (temporalWebUrl === null) return `workflow ${workflowId}`;
  return `${temporalWebUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`;
}

/** One node's answer with who gave it and what it took. */
export function answerBlock(
  { node, outcome }: NodeResult,
  link: (workflowId: string) => string,
): string {
  if (outcome === null)
    return `${node.id}  ${[node.state, node.reason].filter(Boolean).join(': ')}`;
  const answer = outcome.task.output;
  return [
    `${node.id}  ${outcomeLine(outcome)}`,
    `  ${link(outcome.task.workflowId)}`,
    ...(answer === null
      ? []
      : harmless(answer, { keepLines: true })
          .trimEnd()
          .split('\n')
          .map((line) => `  | ${line}`)),
  ].join('\n');
}

/** The line that a person waits for, with the measured time since the start. */
export function readyLine(gateway: Gateway, sinceStartMs: number): string {
  return `Ready in ${duration(sinceStartMs)}: gateway ${gateway.id} is ${gatewayStateWords(gateway)} with ${gateway.lanes.free} free lanes.`;
}

/** Where everything is, how to go on and how to stop. */
export function closingBlock(facts: {
  apiUrl: string;
  temporalWebUrl: string | null;
  keyFile: string;
  dataDir: string;
  /** dashctl finds it without being told. */
  isDefaultDataDir: boolean;
}): string {
  const where = facts.isDefaultDataDir ? '' : ` --data-dir ${facts.dataDir}`;
  return [
    ...renderFields([
      ['API', facts.apiUrl],
      ['API docs', `${facts.apiUrl}/docs`],
      ['Temporal Web', facts.temporalWebUrl],
      ['Admin key', `${facts.keyFile} (dashctl on this machine reads it by itself)`],
      ['Logs', `${facts.dataDir}/logs`],
      ['Next task', `npm run dashctl -- task submit${where} --wait --prompt "…"`],
      ['Stop', 'Ctrl-C (work under way goes on at the next start)'],
    ]),
  ].join('\n');
}
