import { ensureHostId, ensureSecretKey } from '../src/config/data-files.ts';
import { parseRegionWeights } from '../src/domain/region-weights.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { startGatewayHost } from './start-gateway-host.ts';
import { runWorkerProcess } from './worker-process.ts';

/** A gateway host as a process of its own: for adopted gateways. Managed ones run under `dashctl up`. */

await runWorkerProcess(
  'gateway-host',
  (config) => config.host.handOverGraceMs,
  async ({ config, clock, log, lifecycle, fail, db, temporal, registry }) => {
    const host = await startGatewayHost({
      db,
      temporal,
      clock,
      log,
      hostId: ensureHostId(config),
      maxGateways: config.host.maxGateways,
      secretKey: ensureSecretKey(config),
      managed: null,
      hold: config.hold,
      regionWeights: parseRegionWeights(config.host.regionWeights),
      run: config.run,
      metrics: createMetrics({ registry }),
      onFatal: fail,
    });
    lifecycle.onEnd('the gateway host', () => host.close());
  },
);
