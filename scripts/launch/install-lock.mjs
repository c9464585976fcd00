// Keeps two starts from installing the same tree at once. The lock names the processes at work (this
// launcher and its npm); a lock whose processes are all gone is what an interrupted start left behind.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const LOOK_EVERY_MS = 250;

/** Runs `work(holdFor)` under the lock; `holdFor(pid)` keeps it for another process too. */
export async function withInstallLock({ root, name, what }, work) {
  const directory = join(root, '.dash', 'install');
  mkdirSync(directory, { recursive: true });
  const path = join(directory, `${name}.lock`);
  const holders = [identify(process.pid)];
  const own = `${path}.${process.pid}`;
  writeFileSync(own, JSON.stringify(holders));
  try {
    await acquire({ path, own, what });
    try {
      await work((pid) => {
        holders.push(identify(pid));
        writeFileSync(own, JSON.stringify(holders));
        renameSync(own, path);
      });
    } finally {
      rmSync(path, { force: true });
    }
  } finally {
    rmSync(own, { force: true });
  }
}

async function acquire({ path, own, what }) {
  let hasSaid = false;
  for (;;) {
    try {
      // A link is made whole or not at all, and only one can be the first.
      linkSync(own, path);
      return rmSync(own);
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const living = readHolders(path).filter(isLiving);
    if (living.length === 0) {
      rmSync(path, { force: true });
      continue;
    }
    if (!hasSaid) {
      process.stderr.write(
        `Another start (pid ${living[0].pid}) is installing ${what}; waiting for it.\n`,
      );
      hasSaid = true;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

function readHolders(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return [];
  }
}

/** pid + start time: a pid alone is given out again. Where there is no /proc the pid has to do. */
function identify(pid) {
  return { pid, startedAt: startOf(pid) };
}

function isLiving({ pid, startedAt }) {
  if (startedAt !== null) return startOf(pid) === startedAt;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return null;
  }
}
