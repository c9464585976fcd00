/** jest's global tear-down: ends what environment-setup.ts started. */
import { leaveRunDirectory } from './run-directory.ts';
import { recallServices } from './running-services.ts';

export default async function tearDown(): Promise<void> {
  await recallServices()?.stop();
  leaveRunDirectory();
}
