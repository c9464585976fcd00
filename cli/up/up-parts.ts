import type { OpenClawPackage } from '../../src/local/openclaw-package.ts';
import type { UpContext } from './up-context.ts';

/** What `up` brings by itself and a test may bring instead. */
export interface UpParts {
  readonly installOpenClaw: (up: UpContext) => Promise<OpenClawPackage>;
}
