/**
 * Every series that Dash exports: the one list from which they are made, documented and tested. Names end in their
 * unit; label values are bounded (no task ids). `rows`: read from PostgreSQL at each scrape, so that the series
 * equal the rows; `process`: observed by the process that does the work.
 */
export const METRICS = {
  tasks: {
    name: 'dash_tasks',
    type: 'gauge',
    source: 'rows',
    help: 'Tasks by state',
    labels: ['state'],
  },
  queueDepth: {
    name: 'dash_queue_depth',
    type: 'gauge',
    source: 'rows',
    help: 'Tasks that may be claimed now, by pool and effective priority',
    labels: ['pool', 'priority'],
  },
  queueOldestAge: {
    name: 'dash_queue_oldest_age_seconds',
    type: 'gauge',
    source: 'rows',
    help: 'Age of the oldest task that may be claimed now, since its acceptance, in seconds',
    labels: ['pool', 'priority'],
  },
  lanes: {
    name: 'dash_lanes',
    type: 'gauge',
    source: 'rows',
    help: 'Lanes of each gateway: held by attempts, or free for a claim',
    labels: ['gateway', 'kind'],
  },
  gatewayHealth: {
    name: 'dash_gateway_health_ratio',
    type: 'gauge',
    source: 'rows',
    help: 'Part of the usable lanes that the health of each gateway leaves: 1 healthy, 0 unhealthy',
    labels: ['gateway'],
  },
  gatewayErrors: {
    name: 'dash_gateway_error_ratio',
    type: 'gauge',
    source: 'rows',
    help: 'Of the attempts that ended at each gateway lately, the part that failed by its doing',
    labels: ['gateway'],
  },
  gateways: {
    name: 'dash_gateways',
    type: 'gauge',
    source: 'rows',
    help: 'Gateways by state',
    labels: ['state'],
  },
  chainLinks: {
    name: 'dash_chain_links',
    type: 'gauge',
    source: 'rows',
    help: 'Links of dashboard chains: 1 for the state that each is said to be in',
    labels: ['gateway', 'link', 'state'],
  },
  budgetUsd: {
    name: 'dash_budget_usd',
    type: 'gauge',
    source: 'rows',
    help: 'Budgets of the fleet and of tenants in USD: limit, spent in this period, or reserved for open attempts',
    labels: ['budget', 'kind'],
  },
  budgetTokens: {
    name: 'dash_budget_tokens',
    type: 'gauge',
    source: 'rows',
    help: 'Budgets of the fleet and of tenants in tokens: limit, spent in this period, or reserved for open attempts',
    labels: ['budget', 'kind'],
  },
  databaseUp: {
    name: 'dash_database_up',
    type: 'gauge',
    source: 'rows',
    help: '1 when the rows could be read at this scrape, else 0 and every series made of rows is absent',
    labels: [],
  },
  attempts: {
    name: 'dash_attempts_total',
    type: 'counter',
    source: 'rows',
    help: 'Attempts that ended, by outcome and class of failure (none when they did not fail)',
    labels: ['outcome', 'class'],
  },
  claim: {
    name: 'dash_claim_seconds',
    type: 'histogram',
    source: 'process',
    help: 'Duration of a claim transaction in seconds',
    labels: [],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
  },
  startLatency: {
    name: 'dash_start_latency_seconds',
    type: 'histogram',
    source: 'process',
    help: 'From the acceptance of a task to the acknowledgement of its run by a gateway, in seconds',
    labels: [],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200],
  },
  approvalsOpen: {
    name: 'dash_approvals_open',
    type: 'gauge',
    source: 'rows',
    help: 'Approvals that wait for a person, by whether they were escalated',
    labels: ['escalated'],
  },
  reconcileFindings: {
    name: 'dash_reconcile_findings_total',
    type: 'counter',
    source: 'rows',
    help: 'Disagreements that reconcile found, by kind and whether it repaired them',
    labels: ['kind', 'repaired'],
  },
  httpRequest: {
    name: 'dash_http_request_seconds',
    type: 'histogram',
    source: 'process',
    help: 'Duration of an API request in seconds, by route of the OpenAPI document',
    labels: ['route', 'method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  },
  eventStreams: {
    name: 'dash_event_streams',
    type: 'gauge',
    source: 'process',
    help: 'Event streams that clients of this API process follow now',
    labels: [],
  },
} as const satisfies Record<string, MetricSpec>;

export interface MetricSpec {
  readonly name: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
  readonly source: 'rows' | 'process';
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, seconds. */
  readonly buckets?: readonly number[];
}
