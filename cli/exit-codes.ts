/**
 * What the exit code of `dashctl` says. Scripts branch on these numbers, so they never change their
 * meaning; docs/reference/cli.md shows this very table.
 */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  unreachable: 3,
  denied: 4,
  notFound: 5,
  conflict: 6,
  defect: 70,
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** One line per code, for the reference page and `dashctl --help`. */
export const EXIT_MEANINGS: readonly { readonly code: ExitCode; readonly meaning: string }[] = [
  { code: EXIT.ok, meaning: 'Done; with --wait: and it ended well.' },
  {
    code: EXIT.failed,
    meaning:
      'What was asked for was carried out and failed: a task or swarm ended badly, doctor found trouble.',
  },
  { code: EXIT.usage, meaning: 'Wrong use or invalid input; nothing was created or changed.' },
  {
    code: EXIT.unreachable,
    meaning:
      'Dash cannot be reached or cannot answer now, or the waiting time ran out: the outcome is open.',
  },
  { code: EXIT.denied, meaning: 'The API key is missing, unknown, or lacks the scope.' },
  { code: EXIT.notFound, meaning: 'There is nothing with this id.' },
  {
    code: EXIT.conflict,
    meaning:
      'Not possible in the present state, or the idempotency key belongs to another request.',
  },
  { code: EXIT.defect, meaning: 'A defect of dashctl itself.' },
  { code: EXIT.interrupted, meaning: 'Interrupted with Ctrl-C; what was submitted goes on.' },
];
