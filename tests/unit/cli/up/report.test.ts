import { describe, expect, test } from '@jest/globals';
import { answerBlock, closingBlock, modelLine, workflowLink } from '../../../../cli/up/report.ts';
import type { NodeResult } from '../../../../cli/swarm-results.ts';
import { attemptDto, taskDto } from '../harness.ts';

const link = (workflowId: string): string =>
  workflowLink({ temporalWebUrl: 'http://127.0.0.1:7412', namespace: 'default', workflowId });

describe('what npm start says', () => {
  test('the stub model is named for what it is, a key is never shown', () => {
    expect(modelLine({ kind: 'stub' })).toMatch(/stub model answers/);
    const secret = 'sk-very-secret';
    const lines = [
      modelLine({ kind: 'openai', apiKey: secret, model: 'gpt-x' }),
      modelLine({ kind: 'anthropic', apiKey: secret, model: null }),
      modelLine({
        kind: 'openai-compatible',
        baseUrl: `http://user:${secret}@host:1/v1?key=${secret}`,
        apiKey: secret,
        model: null,
      }),
    ];
    expect(lines.join('\n')).not.toContain(secret);
    expect(lines[2]).toContain('http://host:1/v1');
  });

  test('an answer comes with gateway, attempt, tokens, cost and the link to its workflow', () => {
    const task = taskDto({
      state: 'completed',
      output: 'Line 1\nLine 2\u001b[2J\n',
      finishedAt: '2026-11-22T15:00:03.000Z',
      usage: { inputTokens: 1, outputTokens: 2, totalTokens: 3, costUsd: 0.25 },
    });
    const node = {
      id: 'n1',
      dependsOn: [],
      state: 'completed',
      taskId: 'task-1',
      taskState: 'completed',
      reason: null,
    };
    const result = {
      node,
      outcome: { task, attempts: [attemptDto({ number: 2 })] },
    } as unknown as NodeResult;
    expect(answerBlock(result, link)).toBe(
      [
        'n1  completed on local-1, attempt 2, 3 tokens, $0.2500, 3.0 s',
        '  http://127.0.0.1:7412/namespaces/default/workflows/task%2Ftask-1',
        '  | Line 1',
        '  | Line 2',
      ].join('\n'),
    );
  });

  test('a node that never had a task says why', () => {
    const node = {
      id: 'n2',
      dependsOn: ['n1'],
      state: 'skipped',
      taskId: null,
      taskState: null,
      reason: 'n1 failed',
    };
    expect(answerBlock({ node, outcome: null } as unknown as NodeResult, link)).toBe(
      'n2  skipped: n1 failed',
    );
  });

  test('without a Temporal Web of its own it names the workflow', () => {
    expect(workflowLink({ temporalWebUrl: null, namespace: 'x', workflowId: 'task/1' })).toBe(
      'workflow task/1',
    );
  });

  test('the last block says where everything is, how to go on and how to stop', () => {
    const block = closingBlock({
      apiUrl: 'http://127.0.0.1:7410',
      temporalWebUrl: 'http://127.0.0.1:7412',
      keyFile: '/data/admin-api-key',
      dataDir: '/data',
      isDefaultDataDir: false,
    });
    for (const words of [
      'http://127.0.0.1:7410/docs',
      '127.0.0.1:7412',
      '/data/admin-api-key',
      'Ctrl-C',
    ]) {
      expect(block).toContain(words);
    }
    expect(block).toContain('task submit --data-dir /data --wait');
  });
});
