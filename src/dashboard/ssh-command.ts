import type { Forward } from '../domain/dashboard-chain/contract.ts';

export interface SshTarget {
  /** A host or an alias of the configuration file; never anything that begins with a dash. */
  readonly destination: string;
  /** `ProxyCommand`, `User` and whatever else the operator's own configuration says; null: OpenSSH's default files. */
  readonly configFile: string | null;
}

/** A dead way is noticed after 45 s: three signs of life, each 15 s late. OpenShell's own forwards use the same. */
const ALIVE_EVERY_SECONDS = 15;
const ALIVE_MISSED = 3;
const CONNECT_WITHIN_SECONDS = 15;

/**
 * Arguments of an `ssh` that carries the forwards and does nothing else: it asks nobody for anything, and ends when it
 * cannot listen or when the way is dead, so that whoever supervises it can start it anew. Throws on a destination that
 * `ssh` would read as an option.
 */
export function sshArguments(target: SshTarget, forwards: readonly Forward[]): readonly string[] {
  if (!/^[a-z0-9_][\w.@:%-]*$/i.test(target.destination)) {
    throw new Error(
      `"${target.destination}" is no destination for ssh: write a host name or an alias`,
    );
  }
  const settings = {
    BatchMode: 'yes',
    ExitOnForwardFailure: 'yes',
    ConnectTimeout: CONNECT_WITHIN_SECONDS,
    // Its supervisor knows it by its pid, whatever the operator's configuration says.
    ForkAfterAuthentication: 'no',
    ServerAliveInterval: ALIVE_EVERY_SECONDS,
    ServerAliveCountMax: ALIVE_MISSED,
    // Otherwise the first one would hand its forwards to a master that outlives it, and answer that all is well.
    ControlMaster: 'no',
    ControlPath: 'none',
  };
  return [
    ...(target.configFile === null ? [] : ['-F', target.configFile]),
    ...Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    '-N',
    '-T',
    ...forwards.flatMap(({ bind, port, targetPort }) => [
      '-L',
      `${bind}:${port}:127.0.0.1:${targetPort}`,
    ]),
    '--',
    target.destination,
  ];
}
