import { Connection } from '@temporalio/client';
import type { TemporalSettings } from '../../src/config/temporal-settings.ts';
import { SEARCH_ATTRIBUTES } from '../../src/domain/names.ts';

/** What a Temporal server is like, as far as Dash needs to know. */
export type TemporalCheck =
  | { readonly kind: 'ok'; readonly serverVersion: string }
  | { readonly kind: 'problem'; readonly message: string; readonly hint: string };

const CONNECT_TIMEOUT_MS = 5_000;
const NOT_FOUND = 5;

/**
 * Asks the Temporal that the configuration names whether it answers, knows the namespace, and has the
 * search attributes of Dash there. Never throws: what is wrong comes back with what to do.
 */
export async function checkTemporalServer(settings: TemporalSettings): Promise<TemporalCheck> {
  const { namespace } = settings;
  const where = `${settings.address ?? 'Temporal'} (namespace ${namespace})`;
  let connection: Connection | undefined;
  try {
    connection = await Connection.connect({
      ...settings.connection,
      connectTimeout: CONNECT_TIMEOUT_MS,
    });
    const { serverVersion } = await connection.workflowService.getSystemInfo({});
    await connection.workflowService.describeNamespace({ namespace });
    const missing = await missingAttributes(connection, namespace);
    if (missing.length === 0) return { kind: 'ok', serverVersion: serverVersion ?? 'unknown' };
    return {
      kind: 'problem',
      message: `${where} lacks the search attributes ${missing.join(', ')}.`,
      hint: `Create them: ${missing.map((name) => `temporal operator search-attribute create --namespace ${namespace} --name ${name} --type Keyword`).join(' && ')}`,
    };
  } catch (error) {
    return explain(error, where, namespace);
  } finally {
    await connection?.close();
  }
}

/** A server that does not let us ask (Temporal Cloud) is given credit: its first workflow start would tell. */
async function missingAttributes(
  connection: Connection,
  namespace: string,
): Promise<readonly string[]> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace,
    });
    return SEARCH_ATTRIBUTES.filter((name) => !(name in (customAttributes ?? {})));
  } catch {
    return [];
  }
}

function explain(error: unknown, where: string, namespace: string): TemporalCheck {
  const message = error instanceof Error ? error.message : String(error);
  if ((error as { code?: unknown }).code === NOT_FOUND) {
    return {
      kind: 'problem',
      message: `${where}: there is no such namespace.`,
      hint: `Create it: temporal operator namespace create --namespace ${namespace}; or name another one with TEMPORAL_NAMESPACE.`,
    };
  }
  return {
    kind: 'problem',
    message: `${where} does not answer: ${message}`,
    hint: 'Start it, correct TEMPORAL_ADDRESS, or unset it: then a dev server is started.',
  };
}
