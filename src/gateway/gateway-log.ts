import type { Logger } from '../platform/logger.ts';

/** The part of a structured logger that the gateway code writes to. */
export type GatewayLog = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;
