import { checkEnds } from './check-ends.ts';
import { checkRuns } from './check-runs.ts';
import { checkSessions } from './check-sessions.ts';
import { evidenceOf, type Testimony } from './evidence.ts';
import type { Violation } from './rules.ts';

/** Everything that was promised and did not hold; empty when all of it did. Pure. */
export function check(testimony: Testimony): Violation[] {
  const evidence = evidenceOf(testimony);
  return [...checkEnds(evidence), ...checkRuns(evidence), ...checkSessions(evidence)];
}
