/** Writes events in transactions that stay open for a while after the event has its number. */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectionConfig } from '../../../src/db/database.ts';

const [url = ''] = process.argv.slice(2);
const client = new pg.Client(connectionConfig(url, 'slow writer', 0));
await client.connect();
for (let index = 0; index < 8; index += 1) {
  await client.query('begin');
  await client.query(`select dash.emit_gateway('gateway.state', 'slow', null, '{}')`);
  if (index === 0) process.send?.('writing');
  await sleep(60);
  await client.query('commit');
}
await client.end();
process.disconnect?.();
