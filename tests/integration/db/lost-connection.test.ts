import { sql } from 'kysely';
import { expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { withDatabase } from '../../support/database.ts';

const database = withDatabase();

/** An error that nobody handles ends a process of Dash, and fails this test. */
test('a connection that breaks between two statements of its user ends nothing but itself (R45)', async () => {
  const { db, connect } = database();
  const other = connect('other');
  await db.kysely.connection().execute(async (taken) => {
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(taken);
    const pid = rows[0]?.pid;
    await other.rows('select pg_terminate_backend($1)', [pid]);
    // Nothing is asked of it until it is gone: the news of its end meets no statement that could take it.
    const isGone = async (): Promise<boolean> =>
      (await other.rows('select from pg_stat_activity where pid = $1', [pid])).length === 0;
    await eventually(isGone, { what: 'the end of the taken connection' });
    await expect(sql`select 1`.execute(taken)).rejects.toThrow(/connection/i);
  });
  await expect(db.rows('select 1 as one')).resolves.toEqual([{ one: 1 }]);
});

test('a hundred callers at once, the first of a new pool of connections, are all answered (G13)', async () => {
  const db = database().connect('first use', 4);
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, number) =>
      db.rows<{ number: number }>('select $1::integer as number, pg_sleep(0.001)', [number]),
    ),
  );
  expect(answers.map(([row]) => row?.number)).toEqual(Array.from({ length: 100 }, (_, n) => n));
});
