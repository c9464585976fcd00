/**
 * The order of claims as a person would write it down: look at everything, take the best, repeat. What the database
 * does with indexes and locks is compared with this.
 */

export interface ModelTask {
  readonly id: string;
  readonly seq: number;
  readonly tenant: string;
  readonly pool: string;
  readonly priority: number;
  readonly session: string | null;
  /** By bump or ageing. */
  raised: number | null;
  /** It was tried there and may not be repeated elsewhere. */
  pin: string | null;
  state: 'open' | 'running';
}

export interface ModelGateway {
  readonly id: string;
  readonly pools: readonly string[];
  readonly allowedTenants: readonly string[] | null;
  readonly lanes: number;
  readonly score: number;
  host: string;
}

export interface ModelClaim {
  readonly taskId: string;
  readonly gatewayId: string;
}

export interface ModelLimits {
  readonly weights: Readonly<Record<string, number>>;
  /** Most running tasks, of each tenant by name. */
  readonly caps: Readonly<Record<string, number>>;
  readonly total: number;
}

const TURN = 1_000_000;
const HIGH = 2;

interface State {
  readonly tasks: ModelTask[];
  readonly gateways: readonly ModelGateway[];
  /** Gateway of each running task. */
  readonly running: Map<string, string>;
  /** Where a session lives, and whether something was sent there. */
  readonly homes: Map<string, { gatewayId: string; touched: boolean }>;
  readonly passes: Map<string, number>;
  paused: boolean;
}

/** Open work only: what has ended is forgotten. */
export class OrderModel {
  readonly #limits: ModelLimits;
  readonly #state: State;

  constructor(limits: ModelLimits, gateways: readonly ModelGateway[] | State) {
    this.#limits = limits;
    this.#state =
      'tasks' in gateways
        ? gateways
        : {
            tasks: [],
            gateways,
            running: new Map(),
            homes: new Map(),
            passes: new Map(),
            paused: false,
          };
  }

  /** The same world, for a look at what would happen. */
  clone(): OrderModel {
    return new OrderModel(this.#limits, structuredClone(this.#state));
  }

  get tasks(): readonly ModelTask[] {
    return this.#state.tasks;
  }

  get gateways(): readonly ModelGateway[] {
    return this.#state.gateways;
  }

  accept(task: Omit<ModelTask, 'raised' | 'pin' | 'state'>): void {
    this.#state.tasks.push({ ...task, raised: null, pin: null, state: 'open' });
  }

  running(): ModelTask[] {
    return this.tasks.filter((task) => task.state === 'running');
  }

  gatewayOf(task: ModelTask): string {
    return this.#state.running.get(task.id) ?? '';
  }

  /** Claimable but for lanes and caps. */
  isQueued(task: ModelTask): boolean {
    return task.state === 'open' && (task.session === null || this.#ofSession(task)[0] === task);
  }

  effective(task: ModelTask): number {
    const together = task.session === null ? [task] : this.#ofSession(task);
    return Math.min(...together.map(own));
  }

  pause(paused: boolean): void {
    this.#state.paused = paused;
  }

  takeOver(gatewayId: string, host: string): void {
    for (const gateway of this.gateways) if (gateway.id === gatewayId) gateway.host = host;
  }

  end(task: ModelTask): void {
    this.#state.running.delete(task.id);
    this.#state.tasks.splice(this.tasks.indexOf(task), 1);
  }

  /** Back in the queue, never having run: a session is free again unless something was ever sent for it. */
  release(task: ModelTask): void {
    task.state = 'open';
    this.#state.running.delete(task.id);
    if (task.session === null) return;
    if (this.#state.homes.get(sessionOf(task))?.touched === false)
      this.#state.homes.delete(sessionOf(task));
  }

  /** Sent, failed, and to be tried once more: there and nowhere else. */
  retry(task: ModelTask): void {
    const gatewayId = this.gatewayOf(task);
    task.state = 'open';
    this.#state.running.delete(task.id);
    if (task.session === null) task.pin = gatewayId;
    else this.#state.homes.set(sessionOf(task), { gatewayId, touched: true });
  }

  bump(task: ModelTask, priority: number): void {
    if (priority < own(task)) task.raised = priority;
  }

  /** Everything that is queued has waited for one ageing interval. */
  age(): void {
    const due = this.tasks.filter((task) => this.isQueued(task) && this.effective(task) > HIGH);
    const levels = due.map((task) => this.effective(task) - 1);
    for (const [index, task] of due.entries()) task.raised = levels[index] ?? null;
  }

  claim(host: string, max: number): ModelClaim[] {
    const claims: ModelClaim[] = [];
    while (claims.length < max && !this.#state.paused && this.#running() < this.#limits.total) {
      const next = this.#best(host);
      if (next === null) break;
      claims.push(next);
    }
    return claims;
  }

  #running(): number {
    return this.#state.running.size;
  }

  #best(host: string): ModelClaim | null {
    const eligible = this.tasks.filter((task) => this.#claimable(task, host));
    const level = Math.min(...eligible.map((task) => this.effective(task)));
    const most = eligible.filter((task) => this.effective(task) === level);
    const behind = (task: ModelTask): number => {
      const rivals = most.filter((other) => other.pool === task.pool);
      return this.#pass(task, level) - Math.min(...rivals.map((other) => this.#pass(other, level)));
    };
    const [task] = most.toSorted((a, b) => behind(a) - behind(b) || a.seq - b.seq);
    const [gateway] = task === undefined ? [] : this.#gatewaysFor(task, host);
    if (task === undefined || gateway === undefined) return null;
    this.#take(task, level, gateway.id);
    return { taskId: task.id, gatewayId: gateway.id };
  }

  #take(task: ModelTask, level: number, gatewayId: string): void {
    const { passes, running, homes } = this.#state;
    const pass = this.#pass(task, level);
    const turn = Math.floor(TURN / (this.#limits.weights[task.tenant] ?? 1));
    passes.set(`${task.pool} ${level} ${task.tenant}`, pass + turn);
    passes.set(`${task.pool} ${level}`, pass);
    task.state = 'running';
    running.set(task.id, gatewayId);
    if (task.session !== null && !homes.has(sessionOf(task)))
      homes.set(sessionOf(task), { gatewayId, touched: false });
  }

  #claimable(task: ModelTask, host: string): boolean {
    if (!this.isQueued(task)) return false;
    const ofTenant = this.running().filter((other) => other.tenant === task.tenant);
    if (ofTenant.length >= (this.#limits.caps[task.tenant] ?? Infinity)) return false;
    return this.#gatewaysFor(task, host).length > 0;
  }

  /** The open tasks of its session, in their order. */
  #ofSession(task: ModelTask): ModelTask[] {
    return this.tasks
      .filter((other) => other.session !== null && sessionOf(other) === sessionOf(task))
      .toSorted((a, b) => a.seq - b.seq);
  }

  #gatewaysFor(task: ModelTask, host: string): ModelGateway[] {
    const home =
      task.session === null ? task.pin : this.#state.homes.get(sessionOf(task))?.gatewayId;
    return this.gateways
      .filter((gateway) => gateway.host === host && this.#free(gateway) > 0)
      .filter((gateway) => (home ?? gateway.id) === gateway.id)
      .filter((gateway) => gateway.pools.includes(task.pool))
      .filter((gateway) => gateway.allowedTenants?.includes(task.tenant) ?? true)
      .toSorted(
        (a, b) => b.score - a.score || this.#free(b) - this.#free(a) || (a.id < b.id ? -1 : 1),
      );
  }

  #free(gateway: ModelGateway): number {
    const held = [...this.#state.running.values()].filter((id) => id === gateway.id);
    return gateway.lanes - held.length;
  }

  /** No credit for idleness: never behind the level's present. */
  #pass(task: ModelTask, level: number): number {
    const { passes } = this.#state;
    const mine = passes.get(`${task.pool} ${level} ${task.tenant}`) ?? 0;
    return Math.max(mine, passes.get(`${task.pool} ${level}`) ?? 0);
  }
}

function own(task: ModelTask): number {
  return Math.min(task.priority, task.raised ?? task.priority);
}

function sessionOf(task: ModelTask): string {
  return `${task.tenant} ${task.session}`;
}
