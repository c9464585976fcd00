import type { WaitReason } from '../../src/domain/attempt-protocol-types.ts';

/** What a run waits for at its gateway, for people. */
export const WAIT_WORDS: Readonly<Record<WaitReason, string>> = {
  unreachable: 'waits for the gateway, which is out of reach',
  refused: 'waits for the gateway, which takes no calls now',
  recovery: 'waits for the gateway to resume the turn that its end interrupted',
  'recovery-queue': 'waits for the gateway to resume this turn: it resumes others first',
  'session-busy': "waits for another's run in the session",
  settling: "waits for the gateway's books to agree with each other",
  arrival: 'waits to see whether what was sent has arrived',
  sentinel: 'waits for the gateway to be known by its state',
  'gateway-closed': 'waits for the gateway to be open for work',
};
