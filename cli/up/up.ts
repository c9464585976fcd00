/**
 * `dashctl up`, the composition root: takes the data directory, brings up PostgreSQL, Temporal, Dash
 * and one gateway, runs the first swarm, stays, and ends everything in order.
 */
import { join } from 'node:path';
import type { DashClient } from '../../src/contract/client.ts';
import type { SwarmSpecInput } from '../../src/domain/swarm-schema.ts';
import { openDataDir, type DataDir } from '../../src/local/data-dir.ts';
import { LocalError } from '../../src/local/local-error.ts';
import { createProgress, type Progress } from '../../src/local/progress.ts';
import { createLifecycle, type Lifecycle } from '../../src/platform/lifecycle.ts';
import { createLogger, logFile } from '../../src/platform/logger.ts';
import { CliError } from '../cli-error.ts';
import type { UpInput } from '../commands/up.ts';
import { clientOf, type CliContext } from '../context.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { readAdminKey, writeLocalInstance } from '../local-instance.ts';
import { readSwarmFile } from '../swarm-file.ts';
import { startDash, type Dash } from './dash.ts';
import { beginFirstSwarm, showFirstSwarm } from './first-swarm.ts';
import { openLocalGateway } from './local-gateway.ts';
import { installOpenClaw, startManagedGateways } from './managed-gateways.ts';
import { answerBlock, closingBlock, modelLine, readyLine, workflowLink } from './report.ts';
import { startServices, type Services } from './services.ts';
import type { UpContext } from './up-context.ts';

/** Hand-over 30 s, gateway 10 s, Temporal and PostgreSQL 10 s each, and some air. */
const END_WITHIN_MS = 70_000;

/** Runs until it is interrupted, or with `once` until the swarm has ended. */
export async function runUp(given: UpInput, context: CliContext): Promise<ExitCode> {
  const startedAt = context.clock.monotonic();
  const config = await context.config();
  // Read before anything is started: a slip in the file costs a second, not a minute.
  const spec =
    given.firstSwarm === undefined ? undefined : await readSpec(given.firstSwarm, context);
  const dataDir = await explained(openDataDir({ path: config.dataDir }));
  const log = createLogger({
    level: config.logLevel,
    name: 'dash',
    destination: logFile(join(dataDir.path, 'logs', 'dash.log')),
  });
  const progress = createProgress({
    stream: context.output.json ? context.stderr : context.stdout,
    clock: context.clock,
    color: context.colorful && context.stdout.isTTY === true,
  });
  const lifecycle = createLifecycle({ log, clock: context.clock, deadlineMs: END_WITHIN_MS });
  lifecycle.onEnd('the data directory', () => dataDir.release());
  const failure = Promise.withResolvers<never>();
  const ended = interruption(context);
  const up: UpContext = {
    config,
    dataDir,
    env: { ...context.env },
    clock: context.clock,
    log,
    progress,
    ending: lifecycle.ending,
    onEnd: lifecycle.onEnd,
    fail: failure.reject,
  };
  try {
    const session = { given, spec, context, up, startedAt };
    return await Promise.race([run(session), failure.promise, ended]);
  } catch (error) {
    throw explain(error);
  } finally {
    await endEverything(lifecycle, progress);
  }
}

interface Session {
  readonly given: UpInput;
  readonly spec: SwarmSpecInput | undefined;
  readonly context: CliContext;
  readonly up: UpContext;
  readonly startedAt: number;
}

async function run(session: Session): Promise<ExitCode> {
  const { given, spec, context, up } = session;
  up.progress.line(`Dash in ${up.dataDir.path}`);
  const starting = [startServices(up), installOpenClaw(up)] as const;
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
  const client = clientOf(context, {
    baseUrl: dash.apiUrl,
    apiKey: readAdminKey(up.config.dataDir),
  });
  const gateway = await openLocalGateway({ context, client, progress: up.progress });
  const sinceStartMs = context.clock.monotonic() - session.startedAt;
  say(
    session,
    { kind: 'ready', ...dash, sinceStartMs: Math.round(sinceStartMs), gateway },
    readyLine(gateway, sinceStartMs),
  );
  const swarmCode =
    spec === undefined ? EXIT.ok : await runFirstSwarm(session, { client, services, spec });
  if (given.once) return swarmCode;
  showPlaces(session, dash, services);
  return stay();
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
  const places = { ...dash, temporalWebUrl: services.temporalWebUrl, dataDir: config.dataDir };
  say(session, { kind: 'places', ...places }, `\n${closingBlock(places)}`);
}

/** A milestone: one JSON line with --json, else text between the steps. */
function say({ context, up }: Session, value: object, text: string): void {
  if (context.output.json) context.output.item(value, () => undefined);
  else up.progress.line(text);
}

/** Until the person or a failure ends it. */
function stay(): Promise<never> {
  return new Promise<never>(() => undefined);
}

function interruption({ signal }: CliContext): Promise<ExitCode> {
  return new Promise((resolve) => {
    const stop = (): void => resolve(EXIT.interrupted);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}

async function endEverything(lifecycle: Lifecycle, progress: Progress): Promise<void> {
  const step = progress.step('Ending');
  const { failed, late } = await lifecycle.end('dashctl up ends');
  const left = [...failed, ...late];
  if (left.length === 0) step.done('Everything has ended');
  else step.fail(`Ended, though not in order: ${left.join(', ')} (the log says more)`);
}

function readSpec(file: string, context: CliContext): Promise<SwarmSpecInput> {
  return readSwarmFile({ ...context, file }).then(({ spec }) => spec);
}

async function explained(opening: Promise<DataDir>): Promise<DataDir> {
  return opening.catch((error: unknown) => {
    throw explain(error);
  });
}

/** Troubles of the machine are sentences for a person, not defects of dashctl. */
function explain(error: unknown): unknown {
  if (!(error instanceof LocalError)) return error;
  const exitCode = error.code === 'data-dir-in-use' ? EXIT.conflict : EXIT.failed;
  return new CliError({ exitCode, code: error.code, message: error.message, cause: error });
}
