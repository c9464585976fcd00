import { describe, expect, it } from '@jest/globals';
import { formatPath } from '../../../src/domain/input-problems.ts';
import { parseSwarmSpec } from '../../../src/domain/swarm-spec.ts';

function templates(input: unknown) {
  const result = parseSwarmSpec(input);
  if (result.kind === 'invalid') throw new Error(JSON.stringify(result.problems));
  return result.nodes.map(({ template }) => template);
}

function problems(input: unknown): string[] {
  const result = parseSwarmSpec(input);
  if (result.kind === 'valid') return [];
  return result.problems.map(({ path, message }) => `${formatPath(path)}: ${message}`);
}

const dag = (...nodes: object[]) => ({ name: 'graph', nodes });
const draft = { id: 'draft', prompt: 'p' };
const ask = { id: 'ask', kind: 'approval', dependsOn: ['draft'], prompt: 'ok?' };

describe('an approval in a specification', () => {
  it('as a node has a question and terms instead of a task (swarm specification)', () => {
    const [, step] = templates(
      dag(draft, {
        ...ask,
        prompt: 'Send {{nodes.draft.output}}?',
        approvers: ['ann'],
        expiresInSeconds: 60,
        onExpiry: 'escalate',
        escalateTo: ['boss'],
      }),
    );
    expect(step).toEqual({
      kind: 'approval',
      prompt: [
        { kind: 'text', text: 'Send ' },
        { kind: 'output', nodeId: 'draft' },
        { kind: 'text', text: '?' },
      ],
      gate: {
        prompt: null,
        approvers: ['ann'],
        expiresInSeconds: 60,
        onExpiry: 'escalate',
        escalateTo: ['boss'],
        escalateAfterSeconds: null,
      },
    });
  });

  it('as a gate belongs to the task of a node or a step; others need none (swarm specification)', () => {
    const gate = { onExpiry: 'approve', expiresInSeconds: 5 };
    const [gated, free] = templates(
      dag({ ...draft, kind: 'task', approval: gate }, { ...draft, id: 'b' }),
    );
    expect(gated).toMatchObject({ kind: 'task', approval: { ...gate, approvers: null } });
    expect(free).toMatchObject({ kind: 'task', approval: null });
    const steps = [{ prompt: 'a' }, { prompt: 'b', approval: {} }];
    expect(templates({ name: 'p', strategy: 'pipeline', steps })).toMatchObject([
      { approval: null },
      { approval: { onExpiry: 'reject', expiresInSeconds: null } },
    ]);
  });

  it('is refused where it makes no sense, each with its path (swarm specification)', () => {
    expect(problems(dag({ ...draft, kind: 'aproval' }))).toEqual([
      'nodes[0].kind: must be one of task, approval',
    ]);
    expect(problems(dag(draft, { ...ask, onExpiry: 'approve' }))).toEqual([
      expect.stringMatching(/^nodes\[1\]\.expiresInSeconds: is needed with onExpiry approve/),
    ]);
    expect(problems(dag(draft, { ...ask, session: 's' }))).toEqual([
      expect.stringMatching(/^nodes\[1\]\.session: "session" is not known here/),
    ]);
    expect(problems(dag(draft, { ...ask, approvrs: ['ann'] }))).toEqual([
      'nodes[1].approvrs: "approvrs" is not known here; did you mean "approvers"?',
    ]);
    expect(problems(dag({ ...draft, approval: { prompt: 'x' } }))).toEqual([
      expect.stringMatching(/^nodes\[0\]\.approval\.prompt: "prompt" is not known here/),
    ]);
    expect(problems(dag(ask))).toEqual(['nodes[0].dependsOn[0]: there is no node "draft"']);
    expect(problems(dag({ ...ask, dependsOn: ['ask'] }))).toEqual([
      'nodes[0].dependsOn: goes in a circle: ask → ask',
    ]);
    expect(
      problems(dag(draft, { ...ask, dependsOn: [], prompt: '{{nodes.draft.output}}?' })),
    ).toEqual([
      expect.stringMatching(
        /^nodes\[1\]\.prompt: reads the output of "draft", which need not have finished/,
      ),
    ]);
  });
});
