import type { Response } from 'express';
import { AppError } from '../../src/contract/errors.ts';
import type { eventRoutes } from '../../src/contract/events.ts';
import { currentSeq } from '../../src/db/event-store.ts';
import { readInstallation } from '../../src/db/installation-store.ts';
import type { ApiDeps } from '../api-deps.ts';
import { seqOfCursor } from '../events/event-cursor.ts';
import { serveEvents } from '../events/event-stream.ts';
import type { Handler, Handlers } from '../handler.ts';
import { tenantInView } from '../tenancy.ts';

type StreamRoute = (typeof eventRoutes)['stream'];

/** Handlers of one API process: they share the count of open streams. */
export function createEventHandlers(): Handlers<typeof eventRoutes> {
  let open = 0;
  const stream: Handler<StreamRoute> = async (deps, call) => {
    const { query, credential, scope } = call;
    if (open >= deps.bounds.maxStreams) throw tooManyStreams(deps.bounds.maxStreams);
    const tenant = tenantInView(credential, query.tenant);
    const installation = await readInstallation(deps.db);
    const after = await firstPlace(deps, installation.stream, call.lastEventId ?? query.after);
    const plan = {
      stream: installation.stream,
      after,
      scope,
      reauthorize: call.reauthorize,
      filter: {
        ...(query.type === undefined ? {} : { types: query.type }),
        ...(tenant === undefined ? {} : { tenant }),
        ...(query.task === undefined ? {} : { taskId: query.task }),
        ...(query.swarm === undefined ? {} : { swarmId: query.swarm }),
        ...(query.session === undefined ? {} : { sessionKey: query.session }),
        ...(query.gateway === undefined ? {} : { gatewayId: query.gateway }),
      },
    };
    return {
      status: 200,
      stream: async (res: Response) => {
        open += 1;
        deps.metrics.eventStreams(open);
        try {
          await serveEvents(deps, res, plan);
        } finally {
          open -= 1;
          deps.metrics.eventStreams(open);
        }
      },
    };
  };
  return { stream };
}

async function firstPlace(
  deps: ApiDeps,
  stream: string,
  asked: string | undefined,
): Promise<number> {
  if (asked === undefined || asked === '') return currentSeq(deps.db);
  return asked === 'start' ? 0 : seqOfCursor(asked, stream);
}

function tooManyStreams(limit: number): AppError {
  return new AppError({
    code: 'too-many-streams',
    detail: `This API process serves ${limit} event streams already. Close one that is not needed, or try again later.`,
    details: { limit },
  });
}
