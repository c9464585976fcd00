import { assertNever } from './assert-never.ts';
import { parsePrompt, type PromptPart } from './swarm-template.ts';

/** Something that a reduce step combines: a listed item or the output of a node, under a heading. */
export interface Source {
  readonly label: string;
  readonly part: PromptPart;
}

interface Filling {
  readonly item?: string;
  readonly previous?: string | undefined;
  readonly outputs?: readonly Source[];
}

/** A written prompt with its placeholders replaced; what is filled in is never parsed. */
export function fillPrompt(prompt: string, filling: Filling): readonly PromptPart[] {
  return joinTexts(
    parsePrompt(prompt).flatMap((part): readonly PromptPart[] => {
      switch (part.kind) {
        case 'text':
        case 'output':
          return [part];
        case 'item':
          return [{ kind: 'text', text: filling.item ?? '' }];
        case 'previous':
          return filling.previous === undefined
            ? []
            : [{ kind: 'output', nodeId: filling.previous }];
        case 'outputs':
          return (filling.outputs ?? []).flatMap(listed);
        default:
          return assertNever(part);
      }
    }),
  );
}

const HEADING_LIMIT = 100;

function listed(source: Source, index: number): readonly PromptPart[] {
  const [heading = ''] = source.label.split('\n', 1);
  const gap = index === 0 ? '' : '\n\n';
  return [{ kind: 'text', text: `${gap}### ${heading.slice(0, HEADING_LIMIT)}\n\n` }, source.part];
}

function joinTexts(parts: readonly PromptPart[]): readonly PromptPart[] {
  const joined: PromptPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.kind === 'text' && last?.kind === 'text') {
      joined[joined.length - 1] = { kind: 'text', text: last.text + part.text };
    } else {
      joined.push(part);
    }
  }
  return joined;
}
