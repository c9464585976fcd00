/**
 * `dashctl up`, the composition root: takes the data directory, brings up PostgreSQL, Temporal, Dash
 * and one gateway, runs the first swarm, stays, and ends everything in order.
 */
import { join } from 'node:path';
import { projectDir } from '../../src/config/project-dir.ts';
import type { DashClient } from '../../src/contract/client.ts';
import type { SwarmSpecInput } from '../../src/domain/swarm-schema.ts';
import { explainFileError, LocalError } from '../../src/local/local-error.ts';
import { CliError } from '../cli-error.ts';
import { clientOf, type CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { explainError } from '../explain-error.ts';
import { readAdminKey, writeLocalInstance } from '../local-instance.ts';
import { readSwarmFile } from '../swarm-file.ts';
import { startDash, type Dash } from './dash.ts';
import { beginFirstSwarm, showFirstSwarm } from './first-swarm.ts';
import { beginLaunch } from './launch.ts';
import { openLocalGateway } from './local-gateway.ts';
import { installOpenClaw, startManagedGateways } from './managed-gateways.ts';
import { answerBlock, closingBlock, modelLine, readyLine, workflowLink } from './report.ts';
import { startServices, type Services } from './services.ts';
import type { UpContext } from './up-context.ts';
import type { UpParts } from './up-parts.ts';

/** What `dashctl up` was asked for. */
export interface UpInput {
  /** End when the first swarm has ended. */
  readonly once: boolean;
  /** A file. */
  readonly firstSwarm?: string | undefined;
}

/** Runs until it is interrupted, or with `once` until the swarm has ended. */
export async function runUp(
  given: UpInput,
  context: CliContext,
  parts: Partial<UpParts> = {},
): Promise<ExitCode> {
  const startedAt = context.clock.monotonic();
  const config = await context.config();
  // Read before anything is started: a slip in the file costs a second, not a minute.
  const spec =
    given.firstSwarm === undefined ? undefined : await readSpec(given.firstSwarm, context);
  const launch = await beginLaunch(config, context).catch((error: unknown) => {
    throw explain(error, config.dataDir);
  });
  const session: Session = {
    given,
    spec,
    context,
    startedAt,
    up: launch.up,
    parts: { installOpenClaw, ...parts },
    isUp: false,
  };
  try {
    return await Promise.race([run(session), launch.failed, interrupted(session)]);
  } catch (error) {
    throw explain(error, config.dataDir);
  } finally {
    await launch.end();
  }
}

interface Session {
  readonly given: UpInput;
  readonly spec: SwarmSpecInput | undefined;
  readonly context: CliContext;
  readonly startedAt: number;
  readonly up: UpContext;
  readonly parts: UpParts;
  /** Everything that was asked for is done; it only stays up. */
  isUp: boolean;
}

async function run(session: Session): Promise<ExitCode> {
  const { given, context, up } = session;
  up.progress.line(`Dash in ${up.dataDir.path}`);
  const starting = [startServices(up), session.parts.installOpenClaw(up)] as const;
  // When one fails the other is waited for: what it has started is ended with the rest.
  await Promise.allSettled(starting);
  const [services, openclaw] = await Promise.all(starting);
  const managed = await startManagedGateways(up, openclaw);
  const dash = await startDash(up, services, { version: context.version, managed });
  up.dataDir.announce(dash.apiUrl);
  writeLocalInstance(up.config.dataDir, {
    apiUrl: dash.apiUrl,
    temporalUiUrl: services.temporalWebUrl,
    pid: process.pid,
  });
  up.progress.line(modelLine(up.config.model));
  const apiKey = readAdminKey(up.config.dataDir);
  const client = clientOf(context, { baseUrl: dash.apiUrl, apiKey });
  const code = await work(session, { client, services, dash });
  if (given.once) return code;
  showPlaces(session, dash, services);
  session.isUp = true;
  return new Promise<never>(() => undefined);
}

/**
 * Opens the gateway and runs the first swarm. Without `once` a gateway that does not open is told, not
 * fatal: everything else is up, and an operator can see to it.
 */
async function work(
  session: Session,
  { client, services, dash }: { client: DashClient; services: Services; dash: Dash },
): Promise<ExitCode> {
  const { given, spec, context, up, startedAt } = session;
  const { earlierBootId } = dash;
  try {
    const gateway = await openLocalGateway({
      context,
      client,
      progress: up.progress,
      earlierBootId,
    });
    const sinceStartMs = Math.round(context.clock.monotonic() - startedAt);
    say(session, { kind: 'ready', sinceStartMs, gateway }, readyLine(gateway, sinceStartMs));
  } catch (error) {
    const isEnding = context.signal.aborted || up.ending.aborted;
    if (given.once || isEnding || !(error instanceof CliError)) throw error;
    context.output.error(explainError(error).problem);
    return EXIT.failed;
  }
  return spec === undefined ? EXIT.ok : runFirstSwarm(session, { client, services, spec });
}

async function runFirstSwarm(
  session: Session,
  parts: { client: DashClient; services: Services; spec: SwarmSpecInput },
): Promise<ExitCode> {
  const { context, up, given } = session;
  const { client, services, spec } = parts;
  const begun = await beginFirstSwarm({ context, client, spec, again: given.once });
  const { swarm } = begun;
  const link = (workflowId: string): string =>
    workflowLink({
      temporalWebUrl: services.temporalWebUrl,
      namespace: services.temporal.namespace,
      workflowId,
    });
  switch (begun.kind) {
    case 'done-before':
      up.progress.line(
        `The swarm ${swarm.name} completed here before (${swarm.id}). Run it again: npm run dashctl -- swarm run ${given.firstSwarm ?? ''} --wait`,
      );
      return EXIT.ok;
    case 'followed':
      up.progress.line(
        `Going on with the unfinished swarm ${swarm.name} (${swarm.id}) of an earlier start.`,
      );
      break;
    case 'submitted':
      up.progress.line(`Submitted the swarm ${swarm.name} (${swarm.id}).`);
      break;
  }
  up.progress.line(link(swarm.workflowId));
  const view = await showFirstSwarm({
    context,
    client,
    swarm,
    progress: up.progress,
    onAnswer: (result) => say(session, { kind: 'answer', ...result }, answerBlock(result, link)),
  });
  if (context.output.json)
    context.output.item({ kind: 'swarm', swarm: view.swarm }, () => undefined);
  return view.swarm.state === 'completed' ? EXIT.ok : EXIT.failed;
}

function showPlaces(session: Session, dash: Dash, services: Services): void {
  const { config } = session.up;
  const { dataDir } = config;
  const isDefaultDataDir = dataDir === join(projectDir(), '.dash');
  const places = { ...dash, temporalWebUrl: services.temporalWebUrl, dataDir, isDefaultDataDir };
  say(session, { kind: 'places', ...places }, `\n${closingBlock(places)}`);
}

/** A milestone: one JSON line with --json, else text between the steps. */
function say({ context, up }: Session, value: object, text: string): void {
  if (context.output.json) context.output.item(value, () => undefined);
  else up.progress.line(text);
}

/** Ctrl-C ends what only stays up in order and well; what was under way is interrupted. */
function interrupted(session: Session): Promise<ExitCode> {
  const { signal } = session.context;
  return new Promise((resolve) => {
    const stop = (): void => resolve(session.isUp ? EXIT.ok : EXIT.interrupted);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

async function readSpec(file: string, context: CliContext): Promise<SwarmSpecInput> {
  return (await readSwarmFile({ ...context, file })).spec;
}

/** Troubles of the machine are sentences for a person, not defects of dashctl. */
function explain(error: unknown, dataDir: string): unknown {
  const known = explainFileError(error, dataDir);
  if (!(known instanceof LocalError)) return known;
  const exitCode = known.code === 'data-dir-in-use' ? EXIT.conflict : EXIT.failed;
  return new CliError({ exitCode, code: known.code, message: known.message, cause: error });
}
