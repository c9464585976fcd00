/**
 * A process of Dash that freezes at the worst moment: inside its transaction, with the locks of a claim or of an
 * accept. Its parent stops it (SIGSTOP) when told.
 */
import pg from 'pg';
import { TRANSACTION_TIMEOUT_MS, connectionConfig } from '../../../src/db/database.ts';

const [url = '', what = ''] = process.argv.slice(2);
const client = new pg.Client(connectionConfig(url, 'frozen', TRANSACTION_TIMEOUT_MS));
client.on('error', () => undefined);
await client.connect();
await client.query('begin');
if (what === 'claim') {
  await client.query(`select dash.claim('{"hostId": "frozen", "max": 1, "gateways": []}')`);
} else {
  await client.query(`select dash.lock_session('default', 's'), dash.next_event()`);
}
process.send?.('holding');
setInterval(() => undefined, 1_000);
