/** Why a managed gateway did not become ready; `words` are its own last lines, without secrets. */
export type StartFailure =
  /** It refuses its configuration: a person must change something, starting again cannot help. */
  | { readonly kind: 'configuration'; readonly words: string }
  /** Another living gateway owns the state directory: wait for it to end (P37). */
  | { readonly kind: 'contention'; readonly words: string }
  | { readonly kind: 'port-busy'; readonly words: string }
  | {
      readonly kind: 'exited';
      readonly code: number | null;
      readonly signal: string | null;
      readonly words: string;
    }
  | { readonly kind: 'timeout'; readonly words: string }
  /** Whoever asked for it wants it no longer. */
  | { readonly kind: 'interrupted'; readonly words: string }
  /** The program itself could not be started (no such file, not executable). */
  | { readonly kind: 'not-startable'; readonly words: string };

const EX_CONFIG = 78;
const MAX_WORDS = 2000;

/** Two wordings of 2026.9.6, depending on which lock of the state directory it meets first. */
const CONTENTION =
  /ContentionError|another OpenClaw process owns|database is in use|stop other OpenClaw processes/i;

/** Reads an exit before readiness. Exit 78 says configuration, but also contention for the state directory. */
export function failureOfExit(
  exit: { readonly code: number | null; readonly signal: string | null },
  output: string,
): StartFailure {
  const words = lastWords(output);
  if (exit.code === EX_CONFIG && CONTENTION.test(words)) return { kind: 'contention', words };
  if (exit.code === EX_CONFIG) return { kind: 'configuration', words };
  if (/EADDRINUSE|address already in use|port \d+ is (already )?in use/i.test(words)) {
    return { kind: 'port-busy', words };
  }
  return { kind: 'exited', ...exit, words };
}

/**
 * What the gateway said last: its own verdict when it gave one, else the end of its output; free of colours, with
 * everything that looks like a secret taken out.
 */
export function lastWords(output: string): string {
  const verdict = output.lastIndexOf('Gateway failed to start');
  return (verdict < 0 ? output : output.slice(verdict))
    .replace(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g'), '')
    .replace(/(token|key|secret|password)(["']?\s*[:=]\s*["']?)[^\s"',}]+/gi, '$1$2***')
    .trim()
    .slice(-MAX_WORDS);
}
