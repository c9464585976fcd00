import fc from 'fast-check';
import type { GatewayScript } from './sim-gateway.ts';

/** Something that goes wrong (or that somebody does) at a time, or when a run reaches its n-th step. */
export interface Fault {
  readonly when:
    { readonly kind: 'at'; readonly ms: number } | { readonly kind: 'step'; readonly nth: number };
  readonly what:
    | {
        readonly kind: 'gateway-crash';
        readonly downMs: number;
        readonly loss: 'none' | 'state' | 'sessions';
      }
    | { readonly kind: 'gateway-drain'; readonly ms: number }
    | { readonly kind: 'gateway-closed'; readonly ms: number }
    | { readonly kind: 'aborts-ignored'; readonly ms: number }
    | { readonly kind: 'chat'; readonly ms: number }
    | { readonly kind: 'host-crash'; readonly downMs: number }
    | { readonly kind: 'host-leaves' }
    | { readonly kind: 'host-freeze'; readonly ms: number }
    | { readonly kind: 'step-throws' }
    | { readonly kind: 'socket-drop' }
    | { readonly kind: 'answers-lost'; readonly ms: number }
    | { readonly kind: 'rows-away'; readonly ms: number }
    | { readonly kind: 'temporal-away'; readonly ms: number }
    | { readonly kind: 'started-twice' }
    | { readonly kind: 'planned-released' }
    | { readonly kind: 'cancel'; readonly noticed: boolean; readonly hastened: boolean };
}

export interface Scenario extends GatewayScript {
  readonly seed: number;
  readonly tasks: number;
  /** The tasks are of one session: one writer, in order (R1, R2). */
  readonly session: boolean;
  readonly deadlineMs: number | null;
  readonly runLimitSeconds: number;
  readonly faults: readonly Fault[];
}

/** Short spans are likelier: most races are between steps that lie close together. */
const span = (maxMs: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: Math.min(500, maxMs) }) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: Math.min(15_000, maxMs) }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: maxMs }) },
  );

const when: fc.Arbitrary<Fault['when']> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('step' as const),
      nth: fc.integer({ min: 0, max: 30 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('at' as const), ms: span(120_000) }) },
);

const kind = <Kind extends string>(name: Kind): fc.Arbitrary<Kind> => fc.constant(name);

const what: fc.Arbitrary<Fault['what']> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: kind('gateway-crash'),
      downMs: span(100_000),
      loss: fc.oneof(
        { weight: 6, arbitrary: kind('none') },
        { weight: 1, arbitrary: kind('state') },
        { weight: 1, arbitrary: kind('sessions') },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: kind('gateway-drain'), ms: span(60_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('gateway-closed'), ms: span(60_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('aborts-ignored'), ms: span(60_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('chat'), ms: span(60_000) }) },
  { weight: 3, arbitrary: fc.record({ kind: kind('host-crash'), downMs: span(60_000) }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('host-freeze'), ms: span(90_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('host-leaves') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('planned-released') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('step-throws') }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('socket-drop') }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('answers-lost'), ms: span(30_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('rows-away'), ms: span(30_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('temporal-away'), ms: span(60_000) }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('started-twice') }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: kind('cancel'), noticed: fc.boolean(), hastened: fc.boolean() }),
  },
);

const turn = fc.record({
  ms: fc.oneof(fc.integer({ min: 0, max: 200 }), span(40_000)),
  end: fc.oneof(
    { weight: 6, arbitrary: kind('answer') },
    { weight: 2, arbitrary: kind('fail') },
    { weight: 1, arbitrary: kind('hang') },
  ),
});

/** Everything that can happen to one or two tasks on one gateway with two hosts. */
export const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  tasks: fc.integer({ min: 1, max: 2 }),
  session: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  deadlineMs: fc.oneof(
    { weight: 7, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: span(100_000) },
  ),
  runLimitSeconds: fc.constantFrom(20, 60, 600),
  turns: fc.array(turn, { minLength: 1, maxLength: 4 }),
  recoveryMs: fc.array(
    fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1_000, max: 20_000 }) },
      { weight: 1, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.integer({ min: 40_000, max: 60_000 }) },
    ),
    { maxLength: 3 },
  ),
  faults: fc.array(fc.record({ when, what }), { maxLength: 6 }),
});
