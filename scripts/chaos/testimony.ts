import type { DashClient } from '../../src/contract/client.ts';
import type { ClientSwarm, ClientTask, Testimony } from './evidence.ts';
import type { Observer } from './observer.ts';
import type { Accepted, Submitter } from './submitter.ts';
import type { Witness } from './witness.ts';

interface Sources {
  readonly client: DashClient;
  readonly submitter: Submitter;
  readonly observer: Observer;
  readonly witnesses: readonly Witness[];
}

type Wanted = Pick<ClientTask, 'taskId' | 'submitted' | 'session' | 'expectation' | 'node'>;

const AT_ONCE = 8;
const PAGE = 200;

/** Asks the API about everything once more and puts it together with the wire logs, for the checker. */
export async function takeTestimony(sources: Sources): Promise<Testimony> {
  const { client, submitter, observer, witnesses } = sources;
  await submitter.insist(() => observer.look(true));
  await Promise.all(witnesses.map((witness) => witness.refresh()));
  const wanted: Wanted[] = [];
  const swarms: ClientSwarm[] = [];
  for (const accepted of submitter.accepted) {
    if (accepted.kind === 'task') {
      wanted.push(ofTask(accepted));
      continue;
    }
    const { swarm, tasks } = await ofSwarm(accepted, sources);
    swarms.push(swarm);
    wanted.push(...tasks);
  }
  const gateways = await submitter.insist(() => client.gateways.list({}));
  return {
    gateways: witnesses.map((witness) => ({ ...witness, log: witness.look() })),
    tasks: await withAnswers(wanted, sources),
    swarms,
    unasked: await unaskedTasks(wanted, sources),
    lanesHeld: gateways.items.map(({ id, lanes }) => ({ gatewayId: id, held: lanes.held })),
  };
}

/** Reads the whole list once: whatever stands there must have been submitted. */
async function unaskedTasks(
  wanted: readonly Wanted[],
  { client, submitter }: Sources,
): Promise<string[]> {
  const asked = new Set(wanted.map(({ taskId }) => taskId));
  const unasked: string[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: PAGE, ...(cursor === undefined ? {} : { cursor }) };
    const page = await submitter.insist(() => client.tasks.list({ query }));
    unasked.push(...page.items.map(({ id }) => id).filter((id) => !asked.has(id)));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return unasked;
}

function ofTask({ id, submitted, wish }: Extract<Accepted, { kind: 'task' }>): Wanted {
  const { body, expectation } = wish;
  return { taskId: id, submitted, session: body.session ?? null, expectation, node: null };
}

async function ofSwarm(
  { id, submitted, wish }: Extract<Accepted, { kind: 'swarm' }>,
  { client, submitter }: Sources,
): Promise<{ swarm: ClientSwarm; tasks: Wanted[] }> {
  const { answers } = wish;
  const { swarm, nodes } = await submitter.insist(() =>
    client.swarms.get({ params: { swarmId: id } }),
  );
  const reduceNode = 'reduce' in answers ? 'reduce' : null;
  const others = Object.entries(answers).filter(([node]) => node !== reduceNode);
  const tasks = nodes.flatMap(({ id: node, taskId }): Wanted[] => {
    if (taskId === null) return [];
    const expectation = { answer: answers[node] ?? null, failures: 0, mayBeCancelled: false };
    return [{ taskId, submitted, session: null, expectation, node: `${id}/${node}` }];
  });
  return {
    swarm: {
      swarmId: id,
      state: swarm.state,
      reduceNode,
      mapAnswers: reduceNode === null ? [] : others.map(([, answer]) => answer),
    },
    tasks,
  };
}

async function withAnswers(
  wanted: readonly Wanted[],
  { client, submitter, observer }: Sources,
): Promise<ClientTask[]> {
  const decisions = Map.groupBy(observer.decisions(), ({ taskId }) => taskId);
  const ask = async (task: Wanted): Promise<ClientTask> => {
    const { taskId } = task;
    const { state, output } = await submitter.insist(() =>
      client.tasks.get({ params: { taskId } }),
    );
    observer.note(taskId, state);
    const { told, knownAtMs } = observer.endsOf(taskId);
    return {
      ...task,
      state,
      output,
      endsTold: told,
      endKnownAtMs: knownAtMs,
      decisions: (decisions.get(taskId) ?? []).map(({ attempt, decision }) => ({
        attempt,
        decision,
      })),
    };
  };
  const tasks: ClientTask[] = [];
  for (let from = 0; from < wanted.length; from += AT_ONCE) {
    tasks.push(...(await Promise.all(wanted.slice(from, from + AT_ONCE).map(ask))));
  }
  return tasks;
}
