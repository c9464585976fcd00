/** jest's global tear-down of the tier that needs no services. */
import { leaveRunDirectory } from './run-directory.ts';

export default function tearDown(): void {
  leaveRunDirectory();
}
