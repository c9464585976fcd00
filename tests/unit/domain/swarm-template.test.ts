import { describe, expect, it } from '@jest/globals';
import { parsePrompt, resolvePrompt, type PromptPart } from '../../../src/domain/swarm-template.ts';

const parts: readonly PromptPart[] = [
  { kind: 'text', text: 'a: ' },
  { kind: 'output', nodeId: 'a' },
  { kind: 'text', text: ' b: ' },
  { kind: 'output', nodeId: 'b' },
];

describe('resolving references', () => {
  it('an output is inserted as it is and never read as a reference itself (swarm specification)', () => {
    const outputs = new Map([
      ['a', '{{nodes.b.output}}'],
      ['b', 'B'],
    ]);
    expect(resolvePrompt(parts, outputs)).toEqual({
      kind: 'resolved',
      prompt: 'a: {{nodes.b.output}} b: B',
    });
  });

  it('a prompt over the limit is refused with its size and its largest part, never cut (swarm specification)', () => {
    const outputs = new Map([
      ['a', 'ä'.repeat(10)],
      ['b', 'B'],
    ]);
    expect(resolvePrompt(parts, outputs, 27)).toEqual({
      kind: 'too-large',
      sizeBytes: 28,
      limitBytes: 27,
      largestNodeId: 'a',
    });
    expect(resolvePrompt(parts, outputs, 28)).toMatchObject({ kind: 'resolved' });
  });

  it('an output that is not there is named (swarm specification)', () => {
    expect(resolvePrompt(parts, new Map([['a', 'A']]))).toEqual({ kind: 'missing', nodeId: 'b' });
  });

  it('an empty output is an output (swarm specification)', () => {
    const outputs = new Map([
      ['a', ''],
      ['b', ''],
    ]);
    expect(resolvePrompt(parts, outputs)).toEqual({ kind: 'resolved', prompt: 'a:  b: ' });
  });
});

describe('parsing a prompt', () => {
  it('text without placeholders is one part, and nothing is lost around them (swarm specification)', () => {
    expect(parsePrompt('plain {{ braces }} {')).toEqual([
      { kind: 'text', text: 'plain {{ braces }} {' },
    ]);
    expect(parsePrompt('{{item}}x{{ outputs }}{{previous.output}}y')).toEqual([
      { kind: 'item' },
      { kind: 'text', text: 'x' },
      { kind: 'outputs' },
      { kind: 'previous' },
      { kind: 'text', text: 'y' },
    ]);
  });
});
