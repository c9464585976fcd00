import type { ConnectionState, FollowOptions } from '../../../src/gateway/connection.ts';
import { GatewayCallError } from '../../../src/gateway/gateway-call-error.ts';
import type { RunConnection } from '../../../activities/run-task/ports.ts';
import type { SimGateway } from './sim-gateway.ts';
import type { SimProcess, World } from './world.ts';

const NO_ANSWER_MS = 10_000;
const SILENCE_MS = 30_000;

/**
 * One host's socket to the gateway. A request leaves at once, arrives later, and its answer comes later still; each
 * way can be lost, and what was written may arrive although the writer has died meanwhile.
 */
export class SimConnection implements RunConnection {
  readonly #world: World;
  readonly #gateway: SimGateway;
  readonly #process: SimProcess;
  readonly #listeners = new Set<(state: ConnectionState) => void>();
  readonly #unanswered = new Set<(error: GatewayCallError) => void>();
  readonly #onDrop = new Set<() => void>();
  /** Called in the tick in which a request to run is written. */
  readonly #onFrame: (runId: string) => void;
  #wire = 1;
  #open = true;
  #helloBoot: string;
  /** Answers get lost on their way while set. */
  static lossy = new WeakSet<World>();

  constructor(options: {
    world: World;
    gateway: SimGateway;
    process: SimProcess;
    onFrame: (runId: string) => void;
  }) {
    this.#world = options.world;
    this.#gateway = options.gateway;
    this.#process = options.process;
    this.#onFrame = options.onFrame;
    this.#helloBoot = this.#gateway.bootId;
    this.#open = this.#gateway.up;
    if (!this.#open) this.#reconnectSoon();
    this.#gateway.onBoot(() => this.drop());
  }

  onState(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  drop(): void {
    if (!this.#process.alive) return;
    this.#wire += 1;
    if (!this.#open) return;
    this.#open = false;
    const lost = [...this.#unanswered];
    this.#unanswered.clear();
    for (const reject of lost) {
      this.#world.at(1, () => reject(callError('CONNECTION_LOST', 'unknown')), this.#process);
    }
    for (const listener of [...this.#onDrop]) this.#world.at(1, listener, this.#process);
    this.#reconnectSoon();
  }

  #reconnectSoon(): void {
    this.#world.at(
      this.#world.between(100, 1_000),
      () => {
        if (this.#open) return;
        if (!this.#gateway.up) return this.#reconnectSoon();
        this.#open = true;
        this.#wire += 1;
        this.#helloBoot = this.#gateway.bootId;
        for (const listener of [...this.#listeners]) listener({ kind: 'open' });
      },
      this.#process,
    );
  }

  look: RunConnection['look'] = ({ sessionKey, runIds }) =>
    this.#request(() => this.#gateway.look(sessionKey, runIds));

  sendRun: RunConnection['sendRun'] = async (request) => {
    if (!this.#open) throw callError('NOT_CONNECTED', 'refused');
    if (this.#helloBoot !== request.bootId) throw callError('OTHER_BOOT', 'refused');
    const wire = this.#wire;
    const proof = request.permit();
    if (proof !== undefined) {
      await proof;
      if (this.#wire !== wire || !this.#open) throw callError('NOT_CONNECTED', 'refused');
    }
    this.#onFrame(request.runId);
    return this.#request(() => this.#gateway.agent(request));
  };

  abortRun: RunConnection['abortRun'] = async ({ runId, permit }) => {
    if (!this.#open) throw callError('NOT_CONNECTED', 'refused');
    const proof = permit();
    if (proof !== undefined) await proof;
    return this.#request(() => this.#gateway.abort(runId));
  };

  /** No task of a simulation has a budget: nobody listens. */
  onRunEvent: RunConnection['onRunEvent'] = () => () => undefined;

  followRun: RunConnection['followRun'] = ({ runId, signal }: FollowOptions) =>
    new Promise((resolve) => {
      let over = false;
      const finish = (kind: 'ended' | 'unclear' | 'detached'): void => {
        if (over) return;
        over = true;
        unsubscribe();
        this.#onDrop.delete(dropped);
        signal.removeEventListener('abort', aborted);
        resolve({ kind });
      };
      const dropped = (): void => finish('unclear');
      const aborted = (): void => finish('detached');
      const ended = (endedRunId: string): void => {
        if (endedRunId === runId && !over) {
          this.#world.at(this.#world.between(1, 20), () => finish('ended'), this.#process);
        }
      };
      const unsubscribe = this.#gateway.onEnd(ended);
      if (signal.aborted) return finish('detached');
      if (!this.#open) return finish('unclear');
      this.#onDrop.add(dropped);
      signal.addEventListener('abort', aborted, { once: true });
      if (this.#gateway.endedInThisBoot(runId)) ended(runId);
      this.#world.at(SILENCE_MS, dropped, this.#process);
    });

  #request<Answer>(apply: () => Answer): Promise<Answer> {
    if (!this.#open) return Promise.reject(callError('NOT_CONNECTED', 'refused'));
    const world = this.#world;
    const wire = this.#wire;
    const { bootId } = this.#gateway;
    return new Promise((resolve, reject) => {
      this.#unanswered.add(reject);
      const slow = world.chance(0.02) ? world.between(200, 2_000) : 0;
      world.at(world.between(1, 15) + slow, () => {
        if (!this.#gateway.up || this.#gateway.bootId !== bootId) return;
        if (this.#wire !== wire && world.chance(0.5)) return;
        const answer = attempt(apply);
        if (SimConnection.lossy.has(world)) {
          world.at(NO_ANSWER_MS, () => reject(callError('TIMED_OUT', 'unknown')), this.#process);
          return;
        }
        world.at(
          world.between(1, 15),
          () => {
            if (!this.#unanswered.delete(reject)) return;
            if (answer.kind === 'value') resolve(answer.value);
            else reject(answer.error);
          },
          this.#process,
        );
      });
    });
  }
}

function attempt<Answer>(
  apply: () => Answer,
): { kind: 'value'; value: Answer } | { kind: 'error'; error: Error } {
  try {
    return { kind: 'value', value: apply() };
  } catch (error) {
    return { kind: 'error', error: error as Error };
  }
}

function callError(code: string, outcome: 'refused' | 'unknown'): GatewayCallError {
  return new GatewayCallError({ method: 'sim', code, message: code, outcome });
}
