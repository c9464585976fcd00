import { LAUNCH_MARK } from '../../src/platform/processes.ts';

/**
 * For the environment of a process that a test starts: the guard of the test run ends what bears this mark, also when
 * jest was killed and no test could clean up.
 */
export function testLaunchMark(): Readonly<Record<string, string>> {
  const launchId = process.env['DASH_TEST_LAUNCH_ID'];
  return launchId === undefined ? {} : { [LAUNCH_MARK]: launchId };
}
