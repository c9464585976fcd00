import { expect, test } from '@jest/globals';
import { sshArguments } from '../../../src/dashboard/ssh-command.ts';

const DASHBOARD = { name: 'dashboard', bind: '0.0.0.0', port: 19_000, targetPort: 18_789 } as const;
const METRICS = { name: 'metrics', bind: '127.0.0.1', port: 19_001, targetPort: 9_090 } as const;

test('one ssh carries all forwards of a chain, on the addresses that were asked for, and ends when it cannot (S04, X15)', () => {
  const target = { destination: 'ops@box-7', configFile: '/etc/dash/ssh_config' };
  expect(sshArguments(target, [DASHBOARD, METRICS]).join(' ')).toBe(
    '-F /etc/dash/ssh_config -o BatchMode=yes -o ExitOnForwardFailure=yes -o ConnectTimeout=15' +
      ' -o ForkAfterAuthentication=no -o ServerAliveInterval=15 -o ServerAliveCountMax=3 -o ControlMaster=no -o ControlPath=none -N -T' +
      ' -L 0.0.0.0:19000:127.0.0.1:18789 -L 127.0.0.1:19001:127.0.0.1:9090 -- ops@box-7',
  );
});

test.each(['-oProxyCommand=id', '', 'a b', 'box;id', '$(id)'])(
  'a destination that is none (%p) is refused before anything starts',
  (destination) => {
    expect(() => sshArguments({ destination, configFile: null }, [DASHBOARD])).toThrow(
      /no destination/,
    );
  },
);
