import type { FailureClass } from './failure.ts';

/** What is done about one class of failure. The table is the policy: `decideRetry` reads it, the docs print it. */
export interface RetryRule {
  readonly retry: boolean;
  /** `hint`: the gateway's own word for how long to wait, when it is longer than the back-off. */
  readonly delay: 'none' | 'back-off' | 'back-off or hint';
  /** Whether the next attempt may be made elsewhere (P27): always only where nothing can have been done twice. */
  readonly otherGateway: 'never' | 'if the task is idempotent';
  /** Whether it counts towards `maxAttempts`. */
  readonly countsAsAttempt: boolean;
  readonly meaning: string;
}

export const RETRY_POLICY: Readonly<Record<FailureClass, RetryRule>> = {
  transient: {
    retry: true,
    delay: 'back-off',
    otherGateway: 'if the task is idempotent',
    countsAsAttempt: true,
    meaning: 'a provider or the network failed, or the run used up its time',
  },
  'rate-limited': {
    retry: true,
    delay: 'back-off or hint',
    otherGateway: 'if the task is idempotent',
    countsAsAttempt: true,
    meaning: 'a provider or the gateway asks for patience',
  },
  permanent: {
    retry: false,
    delay: 'none',
    otherGateway: 'never',
    countsAsAttempt: true,
    meaning: 'credentials, request, agent or model are wrong: the same again cannot help',
  },
  unknown: {
    retry: true,
    delay: 'back-off',
    otherGateway: 'if the task is idempotent',
    countsAsAttempt: true,
    meaning: 'the gateway said failed, without a reason that can be classified',
  },
  interrupted: {
    retry: true,
    delay: 'back-off',
    otherGateway: 'if the task is idempotent',
    countsAsAttempt: true,
    meaning:
      'the gateway lost the run, or was lost with it, and nothing resumed; only of an idempotent task, of any other ' +
      'a person is asked',
  },
};
