import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { METRICS, type MetricSpec } from './metric-contract.ts';

/** What the series made of rows show: read at each scrape (R16). */
export interface RowMetrics {
  readonly tasks: readonly { readonly state: string; readonly count: number }[];
  readonly queue: readonly {
    readonly pool: string;
    readonly priority: string;
    readonly depth: number;
    readonly oldestAgeSeconds: number;
  }[];
  readonly lanes: readonly {
    readonly gatewayId: string;
    readonly held: number;
    readonly free: number;
    readonly health: number;
    readonly errorRate: number;
  }[];
  readonly gateways: readonly { readonly state: string; readonly count: number }[];
  readonly chainLinks: readonly {
    readonly gatewayId: string;
    readonly link: string;
    readonly state: string;
  }[];
  readonly attempts: readonly {
    readonly outcome: string;
    /** Class of the failure; null: it did not fail. */
    readonly failureClass: string | null;
    readonly count: number;
  }[];
  readonly approvals: readonly { readonly escalated: boolean; readonly count: number }[];
  /** Of the fleet and of tenants, in USD and in tokens; null: no limit of this kind. */
  readonly budgets: readonly {
    readonly name: string;
    readonly limit: { readonly usd: number | null; readonly tokens: number | null };
    readonly spent: { readonly usd: number; readonly tokens: number };
    readonly reserved: { readonly usd: number; readonly tokens: number };
  }[];
  readonly findings: readonly {
    readonly kind: string;
    readonly repaired: boolean;
    readonly count: number;
  }[];
}

export interface HttpRequestDone {
  /** Path of the route table, never the path that was asked. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

/** The series of one process. */
export interface Metrics {
  claimed(seconds: number): void;
  started(secondsSinceAccepted: number): void;
  httpRequestDone(request: HttpRequestDone): void;
  eventStreams(open: number): void;
  /**
   * The text that Prometheus reads. With `readRows` the series made of rows are set from it first; when it fails they
   * are left out (an old value would pass for a present one) and `dash_database_up` is 0.
   */
  scrape(readRows: () => Promise<RowMetrics>): Promise<string>;
  /** The content type of that text. */
  readonly contentType: string;
}

/** Makes every series of the contract in `registry`, which is the process's own and never the global one. */
export function createMetrics(options: { readonly registry: Registry }): Metrics {
  const { registry } = options;
  const rows = rowSeries(registry);
  const claim = histogram(registry, METRICS.claim);
  const start = histogram(registry, METRICS.startLatency);
  const http = histogram(registry, METRICS.httpRequest);
  const streams = gauge(registry, METRICS.eventStreams);
  return {
    claimed: (seconds) => claim.observe(seconds),
    started: (seconds) => start.observe(seconds),
    httpRequestDone: ({ route, method, status, seconds }) =>
      http.observe({ route, method, status: String(status) }, seconds),
    eventStreams: (open) => streams.set(open),
    scrape: async (readRows) => {
      rows.show(await readRows().catch(() => null));
      return registry.metrics();
    },
    contentType: registry.contentType,
  };
}

function rowSeries(registry: Registry): { show(rows: RowMetrics | null): void } {
  const tasks = gauge(registry, METRICS.tasks);
  const depth = gauge(registry, METRICS.queueDepth);
  const age = gauge(registry, METRICS.queueOldestAge);
  const lanes = gauge(registry, METRICS.lanes);
  const health = gauge(registry, METRICS.gatewayHealth);
  const errors = gauge(registry, METRICS.gatewayErrors);
  const gateways = gauge(registry, METRICS.gateways);
  const links = gauge(registry, METRICS.chainLinks);
  const attempts = counter(registry, METRICS.attempts);
  const approvals = approvalSeries(registry);
  const findings = counter(registry, METRICS.reconcileFindings);
  const budgets = budgetSeries(registry);
  const up = gauge(registry, METRICS.databaseUp);
  return {
    show: (rows) => {
      for (const series of [tasks, depth, age, lanes, health, errors, gateways, links])
        series.reset();
      for (const series of [attempts, findings]) series.reset();
      approvals.show(rows?.approvals ?? []);
      budgets.show(rows?.budgets ?? []);
      up.set(rows === null ? 0 : 1);
      if (rows === null) return;
      for (const { state, count } of rows.tasks) tasks.set({ state }, count);
      for (const { state, count } of rows.gateways) gateways.set({ state }, count);
      for (const { gatewayId: id, link, state } of rows.chainLinks)
        links.set({ gateway: id, link, state }, 1);
      for (const { pool, priority, depth: count, oldestAgeSeconds } of rows.queue) {
        depth.set({ pool, priority }, count);
        age.set({ pool, priority }, oldestAgeSeconds);
      }
      for (const { gatewayId, held, free, health: left, errorRate } of rows.lanes) {
        health.set({ gateway: gatewayId }, left);
        errors.set({ gateway: gatewayId }, errorRate);
        lanes.set({ gateway: gatewayId, kind: 'held' }, held);
        lanes.set({ gateway: gatewayId, kind: 'free' }, free);
      }
      for (const { outcome, failureClass, count } of rows.attempts) {
        attempts.inc({ outcome, class: failureClass ?? 'none' }, count);
      }
      for (const { kind, repaired, count } of rows.findings) {
        findings.inc({ kind, repaired: String(repaired) }, count);
      }
    },
  };
}

function approvalSeries(registry: Registry): { show(rows: RowMetrics['approvals']): void } {
  const open = gauge(registry, METRICS.approvalsOpen);
  return {
    show: (rows) => {
      open.reset();
      for (const { escalated, count } of rows) open.set({ escalated: String(escalated) }, count);
    },
  };
}

/** Only of the kinds that a budget limits. */
function budgetSeries(registry: Registry): { show(rows: RowMetrics['budgets']): void } {
  const usd = gauge(registry, METRICS.budgetUsd);
  const tokens = gauge(registry, METRICS.budgetTokens);
  return {
    show: (rows) => {
      usd.reset();
      tokens.reset();
      for (const { name: budget, limit, spent, reserved } of rows) {
        for (const [kind, of] of Object.entries({ limit, spent, reserved })) {
          if (limit.usd !== null) usd.set({ budget, kind }, of.usd ?? 0);
          if (limit.tokens !== null) tokens.set({ budget, kind }, of.tokens ?? 0);
        }
      }
    },
  };
}

function gauge(registry: Registry, spec: MetricSpec): Gauge {
  return new Gauge({
    name: spec.name,
    help: spec.help,
    labelNames: [...spec.labels],
    registers: [registry],
  });
}

function counter(registry: Registry, spec: MetricSpec): Counter {
  return new Counter({
    name: spec.name,
    help: spec.help,
    labelNames: [...spec.labels],
    registers: [registry],
  });
}

function histogram(registry: Registry, spec: MetricSpec): Histogram {
  return new Histogram({
    name: spec.name,
    help: spec.help,
    labelNames: [...spec.labels],
    buckets: [...(spec.buckets ?? [])],
    registers: [registry],
  });
}
