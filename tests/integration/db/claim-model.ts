/**
 * The order of claims as a person would write it down: look at everything, take the best, repeat. What the
 * database does with indexes and locks is compared with this.
 */

export interface ModelTask {
  readonly id: string;
  readonly seq: number;
  readonly tenant: string;
  readonly pool: string;
  readonly priority: number;
  readonly session: string | null;
  state: 'open' | 'running' | 'ended';
}

export interface ModelGateway {
  readonly id: string;
  readonly pools: readonly string[];
  readonly allowedTenants: readonly string[] | null;
  readonly lanes: number;
  readonly score: number;
}

export interface ModelClaim {
  readonly taskId: string;
  readonly gatewayId: string;
}

export class ClaimModel {
  readonly tasks: ModelTask[] = [];
  readonly #gateways: readonly ModelGateway[];
  readonly #cap: number;
  readonly #running = new Map<string, string>();
  /** Where a session lives, and whether something was sent there. */
  readonly #homes = new Map<string, string>();
  readonly #passes = new Map<string, number>();

  constructor(gateways: readonly ModelGateway[], cap: number) {
    this.#gateways = gateways;
    this.#cap = cap;
  }

  running(): ModelTask[] {
    return this.tasks.filter((task) => task.state === 'running');
  }

  end(task: ModelTask): void {
    task.state = 'ended';
    this.#running.delete(task.id);
  }

  /** Back in the queue, never having run; nothing was ever sent in these tests, so a session is free again. */
  release(task: ModelTask): void {
    task.state = 'open';
    this.#running.delete(task.id);
    if (task.session !== null) this.#homes.delete(sessionOf(task));
  }

  claim(max: number): ModelClaim[] {
    const claims: ModelClaim[] = [];
    while (claims.length < max) {
      const next = this.#best();
      if (next === null) break;
      claims.push(next);
    }
    return claims;
  }

  #best(): ModelClaim | null {
    const eligible = this.tasks.filter((task) => this.#claimable(task));
    const level = Math.min(...eligible.map((task) => this.#effective(task)));
    const most = eligible.filter((task) => this.#effective(task) === level);
    const behind = (task: ModelTask): number => {
      const rivals = most.filter((other) => other.pool === task.pool);
      return this.#pass(task, level) - Math.min(...rivals.map((other) => this.#pass(other, level)));
    };
    const [task] = most.toSorted((a, b) => behind(a) - behind(b) || a.seq - b.seq);
    if (task === undefined) return null;
    const [gateway] = this.#gatewaysFor(task);
    if (gateway === undefined) return null;
    const pass = this.#pass(task, level);
    this.#passes.set(`${task.pool} ${level} ${task.tenant}`, pass + 1);
    this.#passes.set(`${task.pool} ${level}`, pass);
    task.state = 'running';
    this.#running.set(task.id, gateway.id);
    if (task.session !== null) this.#homes.set(sessionOf(task), gateway.id);
    return { taskId: task.id, gatewayId: gateway.id };
  }

  #claimable(task: ModelTask): boolean {
    if (task.state !== 'open') return false;
    const ofTenant = this.running().filter((other) => other.tenant === task.tenant);
    if (ofTenant.length >= this.#cap) return false;
    if (task.session !== null && this.#openOf(task)[0] !== task) return false;
    return this.#gatewaysFor(task).length > 0;
  }

  /** The tasks of its session that have not ended, in their order. */
  #openOf(task: ModelTask): ModelTask[] {
    return this.tasks
      .filter(
        (other) =>
          other.state !== 'ended' && other.session !== null && sessionOf(other) === sessionOf(task),
      )
      .toSorted((a, b) => a.seq - b.seq);
  }

  #effective(task: ModelTask): number {
    if (task.session === null) return task.priority;
    return Math.min(...this.#openOf(task).map((other) => other.priority));
  }

  #gatewaysFor(task: ModelTask): ModelGateway[] {
    const home = task.session === null ? undefined : this.#homes.get(sessionOf(task));
    return this.#gateways
      .filter((gateway) => this.#free(gateway) > 0)
      .filter((gateway) => home === undefined || gateway.id === home)
      .filter((gateway) => gateway.pools.includes(task.pool))
      .filter((gateway) => gateway.allowedTenants?.includes(task.tenant) ?? true)
      .toSorted(
        (a, b) => b.score - a.score || this.#free(b) - this.#free(a) || (a.id < b.id ? -1 : 1),
      );
  }

  #free(gateway: ModelGateway): number {
    return gateway.lanes - [...this.#running.values()].filter((id) => id === gateway.id).length;
  }

  /** No credit for idleness: never behind the level's present. */
  #pass(task: ModelTask, level: number): number {
    const own = this.#passes.get(`${task.pool} ${level} ${task.tenant}`) ?? 0;
    return Math.max(own, this.#passes.get(`${task.pool} ${level}`) ?? 0);
  }
}

function sessionOf(task: ModelTask): string {
  return `${task.tenant} ${task.session}`;
}
