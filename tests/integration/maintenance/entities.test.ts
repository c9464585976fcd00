import { describe, expect, it } from '@jest/globals';
import { registerGateway } from '../../../src/db/gateway-store.ts';
import { withMaintenanceWorld } from './support/world.ts';

const world = withMaintenanceWorld();

describe('swarms, gateways and chains without a workflow', () => {
  it('open swarms are started, page by page, also after a person terminated them (P31, P35)', async () => {
    const { reconcile, told, swarm, age, start, temporal, db } = world();
    const ids = await Promise.all([swarm(), swarm(), swarm(), swarm(), swarm()]);
    for (const id of ids) await age('swarms', 'created_at', id);
    const [first, second] = ids;
    await start('swarmWorkflow', `swarm/${first}`);
    await start('swarmWorkflow', `swarm/${second}`);
    await temporal.client.workflow.getHandle(`swarm/${second}`).terminate('by a person');
    expect(await reconcile('swarm-without-workflow')).toMatchObject({ found: 4, repaired: 4 });
    for (const swarmId of ids.slice(1)) {
      expect(await told(`swarm/${swarmId}`)).toEqual([{ swarmId }]);
    }
    expect(await reconcile('swarm-without-workflow')).toMatchObject({ found: 0 });
    await db.rows(`update dash.swarms set state = 'cancelled' where id = any($1)`, [ids]);
  });

  it('registered gateways get their workflow, removed ones and those of this minute do not (P35)', async () => {
    const { reconcile, told, db, temporal, age } = world();
    for (const id of ['g-new', 'g-removed', 'g-young']) {
      await registerGateway(db, {
        id,
        kind: 'adopted',
        endpoint: 'ws://127.0.0.1:1',
        configuredLanes: 1,
        actor: 'test',
      });
    }
    await db.rows(
      `update dash.gateways set state = 'removed', desired_state = 'removed' where id = 'g-removed'`,
    );
    for (const id of ['g-new', 'g-removed']) await age('gateways', 'created_at', id);
    expect(await reconcile('gateway-without-workflow')).toMatchObject({ found: 1, repaired: 1 });
    expect(await told('gateway/g-new')).toEqual([{ gatewayId: 'g-new' }]);
    for (const id of ['g-removed', 'g-young']) {
      const absent = temporal.client.workflow.getHandle(`gateway/${id}`).describe();
      await expect(absent).rejects.toThrow(/not found/);
    }
  });

  it('a chain without its workflow is watched again (P35, R63)', async () => {
    const { reconcile, told, db } = world();
    for (const id of ['g-watched', 'g-young']) {
      await registerGateway(db, {
        id,
        kind: 'adopted',
        endpoint: 'ws://127.0.0.1:1',
        configuredLanes: 1,
        actor: 'test',
      });
      await db.rows('insert into dash.chains (gateway_id, settings) values ($1, $2)', [id, '{}']);
    }
    await db.rows(
      `update dash.chains set created_at = now() - interval '1 hour' where gateway_id = 'g-watched'`,
    );
    expect(await reconcile('chain-without-workflow')).toMatchObject({ found: 1, repaired: 1 });
    expect(await told('chain/g-watched')).toEqual([{ gatewayId: 'g-watched' }]);
  });

  it('an owner that gives no sign is listed and left to the gateway workflow (P32, P35)', async () => {
    const { reconcile, findings, db } = world();
    await db.rows(
      `update dash.gateways set last_seen_at = now() - interval '2 minutes' where id = 'g1'`,
    );
    expect(await reconcile('owner-gone')).toMatchObject({ found: 1, repaired: 0 });
    expect((await findings('g1'))[0]).toMatchObject({ kind: 'owner-gone', repaired: false });
    await db.rows(`update dash.gateways set last_seen_at = now() where id = 'g1'`);
  });
});
