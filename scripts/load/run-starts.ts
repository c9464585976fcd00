import { openWitness } from '../chaos/witness.ts';
import type { Ground } from '../bench/ground.ts';

/** When each task's first run began at a gateway, by the gateways' own logs; milliseconds since the epoch. */
export interface RunStarts {
  /** Reads what was written since the last look. */
  look(): ReadonlyMap<string, RunStart>;
}

export interface RunStart {
  readonly atMs: number;
  readonly gatewayId: string;
}

export function openRunStarts({ gateways }: Pick<Ground, 'gateways'>): RunStarts {
  const starts = new Map<string, RunStart>();
  const logs = gateways.map(({ gatewayId, wireLog }) => ({
    gatewayId,
    read: 0,
    witness: openWitness({ gatewayId, lanes: 0, path: wireLog }),
  }));
  return {
    look() {
      for (const log of logs) {
        const seen = log.witness.look();
        for (const entry of seen.slice(log.read)) {
          if (entry.kind !== 'run-start') continue;
          const taskId = /^(.+)-a1$/.exec(entry.runId)?.[1];
          if (taskId === undefined || starts.has(taskId)) continue;
          starts.set(taskId, { atMs: entry.atMs, gatewayId: log.gatewayId });
        }
        log.read = seen.length;
      }
      return starts;
    },
  };
}
