import type { GatewayConnection, Permit, ProcessTarget } from '../connection.ts';
import { GatewayCallError } from '../gateway-call-error.ts';
import type { GatewayLog } from '../gateway-log.ts';
import type { GatewayProcess } from './gateway-process.ts';

/**
 * Ends a managed gateway in bounded time (P34, P38): takes the suspension lease with drain, so that nothing new
 * begins, hands the process over to its supervisor, which caps the gateway's own drain, then SIGTERM, and SIGKILL
 * after `graceMs`. What still runs is interrupted into recovery. Without a connection it is SIGTERM and SIGKILL.
 * Answers whether the gateway ended by itself.
 */
export async function stopGateway(options: {
  readonly process: GatewayProcess;
  readonly connection: GatewayConnection | null;
  /** Names the lease; the same as that of an earlier prepare, if there was one. */
  readonly requestId: string;
  /** The process as it named itself; null: it is asked. A gateway that is suspended already does not answer that. */
  readonly target: ProcessTarget | null;
  readonly permit: Permit;
  readonly graceMs: number;
  readonly log: GatewayLog;
}): Promise<boolean> {
  const { process, connection, log } = options;
  if (connection?.state().kind === 'open') {
    try {
      await handOver(connection, options);
    } catch (error) {
      if (!(error instanceof GatewayCallError)) throw error;
      log.info(
        { err: error },
        'the gateway could not be suspended before its end; SIGTERM follows',
      );
    }
  }
  return process.end({ graceMs: options.graceMs });
}

async function handOver(
  connection: GatewayConnection,
  options: {
    readonly requestId: string;
    readonly permit: Permit;
    readonly target: ProcessTarget | null;
  },
): Promise<void> {
  const { requestId, permit } = options;
  const { pid, processInstanceId } = options.target ?? (await connection.systemInfo());
  const prepared = await connection.suspendPrepare({ requestId, drain: true, permit });
  if (prepared.suspensionId === null) return;
  const target = { pid, processInstanceId };
  await connection.suspendHandoff({ suspensionId: prepared.suspensionId, target, permit });
}
