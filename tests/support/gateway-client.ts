import type {
  ConnectionState,
  GatewayConnection,
  RunRequest,
  SendResult,
} from '../../src/gateway/connection.ts';
import { connectGateway, type ConnectOptions } from '../../src/gateway/openclaw-connection.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLogger } from '../../src/platform/logger.ts';

export const TEST_INSTALLATION = 'contract';
export const silentLog = createLogger({ level: 'silent', name: 'test' });

/** A permit that always holds. */
export const granted = (): void => undefined;

export interface TestConnection extends GatewayConnection {
  /** Every state since the start, in order. */
  readonly states: readonly ConnectionState[];
}

/** Connects as Dash does, with a quick back-off and a silent log. */
export function connectTo(
  gateway: { readonly endpoint: string; readonly token: string },
  options: Partial<ConnectOptions> = {},
): TestConnection {
  const states: ConnectionState[] = [];
  const connection = connectGateway({
    endpoint: gateway.endpoint,
    token: gateway.token,
    installation: TEST_INSTALLATION,
    displayName: 'dash-test',
    clock: systemClock(),
    log: silentLog,
    backoff: { initialMs: 20, maxMs: 250 },
    onState: (state) => states.push(state),
    ...options,
  });
  return Object.assign(connection, { states });
}

/** The session of a task without a session of its own. */
export function sessionOf(taskId: string): string {
  return `agent:main:dash-${TEST_INSTALLATION}:t:${taskId}`;
}

/** Sends a run in the boot that the connection speaks to; everything can be replaced. */
export async function send(
  connection: GatewayConnection,
  taskId: string,
  message: string,
  overrides: Partial<RunRequest> = {},
): Promise<SendResult> {
  return connection.sendRun({
    sessionKey: sessionOf(taskId),
    runId: `${taskId}-a1`,
    message,
    agentId: 'main',
    timeoutSeconds: 120,
    correlationId: `correlation-${taskId}`,
    bootId: connection.hello()?.bootId ?? '',
    permit: granted,
    ...overrides,
  });
}
