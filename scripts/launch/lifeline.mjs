// Loaded into the program before its own code. DASH_LIFELINE_FD names a pipe whose other end only the
// launcher holds: when it breaks, the launcher was killed, and this process ends as suddenly. What
// it started itself is ended by the guard, for which this is a kill like any other.
import { Socket } from 'node:net';

const descriptor = process.env.DASH_LIFELINE_FD;
// Threads and children of this process inherit options and environment, but not the pipe.
delete process.env.DASH_LIFELINE_FD;

if (descriptor !== undefined) {
  const end = () => process.kill(process.pid, 'SIGKILL');
  new Socket({ fd: Number(descriptor) }).on('end', end).on('error', end).resume().unref();
}
