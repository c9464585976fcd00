import { expect, test } from '@jest/globals';
import pg from 'pg';
import { Connection } from '@temporalio/client';

test('the test run has a PostgreSQL of version 17 or newer that allows 300 connections (P4)', async () => {
  const client = new pg.Client({ connectionString: process.env['DASH_TEST_POSTGRES_URL'] });
  await client.connect();
  const { rows } = await client.query(
    `select current_setting('server_version_num')::int >= 170000 as recent, current_setting('max_connections')::int >= 300 as wide`,
  );
  await client.end();
  expect(rows).toEqual([{ recent: true, wide: true }]);
});

test('the test run has a Temporal server that knows the search attributes of Dash', async () => {
  const connection = await Connection.connect({
    address: process.env['DASH_TEST_TEMPORAL_ADDRESS'] ?? '',
  });
  const { customAttributes } = await connection.operatorService.listSearchAttributes({
    namespace: 'default',
  });
  await connection.close();
  expect(Object.keys(customAttributes ?? {})).toEqual(
    expect.arrayContaining(['DashTenant', 'DashSwarm', 'DashGateway']),
  );
});
