/** The services of a test run in a process of its own, to be killed: says where they are and stays. */
import { startTestServices } from '../test-services.ts';

const { postgresUrl, temporalAddress } = await startTestServices({
  ...process.env,
  DATABASE_URL: '',
  TEMPORAL_ADDRESS: '',
});
process.stdout.write(`${JSON.stringify({ postgresUrl, temporalAddress })}\n`);
setInterval(() => undefined, 1_000);
