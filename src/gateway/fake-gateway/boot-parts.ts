import type { Clock } from '../../platform/clock.ts';
import type { DurableState } from './durable-state.ts';
import type { EngineSettings, RunEngine } from './run-engine.ts';
import type { Suspension } from './suspension.ts';

/** What the methods of one boot work with. */
export interface BootParts {
  readonly bootId: string;
  readonly clock: Clock;
  readonly state: DurableState;
  readonly engine: RunEngine;
  readonly settings: EngineSettings & { allowedOrigins: readonly string[] };
  readonly suspension: Suspension;
  readonly agents: ReadonlySet<string>;
  /** The process as an operator sees it: stays the same over an in-process restart. */
  readonly process: { readonly pid: number; readonly instanceId: string };
  /** Questions that wait for a run count as active work, as in a real gateway. */
  readonly waits: Set<symbol>;
  /** Aborts when the boot ends. */
  readonly ended: AbortSignal;
  uptimeMs(): number;
  /** Restarts in the same process, after running work when there is any. */
  restart(): void;
}
