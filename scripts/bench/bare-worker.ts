/** The worker of the bare measurement, a process of its own like Dash's: `bare-worker.ts ADDRESS NAMESPACE QUEUE`. */
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';

const [address = '', namespace = '', taskQueue = ''] = process.argv.slice(2);
const connection = await NativeConnection.connect({ address });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./bare-workflow.ts', import.meta.url)),
  activities: { nothing: async () => undefined },
});
process.stdout.write('the bare worker is ready\n');
await worker.run();
await connection.close();
