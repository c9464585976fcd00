// Troubles that a person can do something about, as sentences.

/** What happened and what to do, in `message`; anything else that is thrown is a defect and shows its stack. */
export class SetupError extends Error {
  constructor(message, { exitCode = 1, cause } = {}) {
    super(message, { cause });
    this.name = 'SetupError';
    this.exitCode = exitCode;
  }
}

const AGAIN = 'Then run the same command again; it goes on where it stopped.';

/** A sentence for a system error code met while writing below `directory`, or undefined for others. */
export function explainCode(code, directory) {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk that holds ${directory} is full. Free about 2 GB. ${AGAIN}`;
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `${directory} may not be written by this user. Give this user the right to write there, or clone the project where it has it. ${AGAIN}`;
    default:
      return undefined;
  }
}

const NETWORK_CODES =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT|FETCH_ERROR)\b/;

/** Reads what npm printed when it failed and says what that means for a person. */
export function explainNpm(output, { what, directory }) {
  const disk = /\b(ENOSPC|EDQUOT|EACCES|EPERM|EROFS)\b/.exec(output)?.[1];
  if (disk !== undefined) return `${what}: ${explainCode(disk, directory)}`;
  const network = NETWORK_CODES.exec(output)?.[1];
  if (network !== undefined) {
    return `${what}: the package registry cannot be reached (${network}). Check the network, and the proxy or registry settings of npm ("npm config list"). ${AGAIN}`;
  }
  if (/\bEINTEGRITY\b/.test(output)) {
    return `${what}: a downloaded package differs from the locked one (EINTEGRITY). Run "npm cache verify"; if it stays, the registry or a proxy on the way changes packages. ${AGAIN}`;
  }
  if (/can only install packages when your package(-lock)?\.json/.test(output)) {
    return `${what}: ${directory}/package.json and its package-lock.json do not belong together. Run "npm install" in ${directory} and commit the lock file, or undo your change.`;
  }
  return `${what}: npm failed. Its last words:\n${lastWords(output)}\nRemove the cause. ${AGAIN}`;
}

function lastWords(output) {
  return output
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^npm (http|warn)/.test(line))
    .slice(-12)
    .map((line) => `  ${line}`)
    .join('\n');
}
