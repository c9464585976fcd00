// A bar on a terminal, plain lines elsewhere: a start, a sign of life every ten seconds, an end.

const WIDTH = 24;

/** `begin(label)` answers `{ update(done, total), done(text), fail(text) }`. */
export function createSteps(stream, { now = () => performance.now() } = {}) {
  const isTerminal = stream.isTTY === true;
  const erase = isTerminal ? '\r\x1b[2K' : '';

  return {
    begin(label) {
      const startedAt = now();
      const seconds = () => `${((now() - startedAt) / 1000).toFixed(1)} s`;
      let amount = '';
      const draw = () => {
        if (!isTerminal) return stream.write(`  ${label}${amount}  ${seconds()}\n`);
        stream.write(
          `${erase}${`${label}${amount}  ${seconds()}`.slice(0, (stream.columns ?? 80) - 1)}`,
        );
      };
      if (!isTerminal) stream.write(`${label} …\n`);
      const timer = setInterval(draw, isTerminal ? 200 : 10_000);
      const end = (mark, text) => {
        clearInterval(timer);
        stream.write(`${erase}${mark} ${text} (${seconds()})\n`);
      };
      return {
        update(done, total) {
          const share = Math.min(1, done / Math.max(1, total));
          const filled = Math.round(share * WIDTH);
          const bar = isTerminal ? `  ${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}` : '';
          amount = `${bar}  ${done} of ${total} packages`;
        },
        done: (text) => end('✓', text),
        fail: (text) => end('✗', text),
      };
    },
  };
}
