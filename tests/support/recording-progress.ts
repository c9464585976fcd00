/** A Progress that remembers what a person would have read. */
import type { Progress } from '../../src/local/progress.ts';

export interface RecordingProgress extends Progress {
  /** Every sentence, start, end and failure, in order. */
  readonly lines: string[];
}

export function recordingProgress(): RecordingProgress {
  const lines: string[] = [];
  return {
    lines,
    line: (text) => void lines.push(text),
    step(label) {
      lines.push(`start ${label}`);
      return {
        update: () => undefined,
        note: () => undefined,
        done: (text) => void lines.push(`done ${text ?? label}`),
        fail: (text) => void lines.push(`fail ${text}`),
      };
    },
  };
}
