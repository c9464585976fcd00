/** jest's global set-up of the tier that needs no services. */
import { enterRunDirectory } from './run-directory.ts';

export default function setUp(): void {
  enterRunDirectory();
}
