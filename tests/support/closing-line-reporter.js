/**
 * Prints the totals as the run's last line, in the one form that people and scripts read. The tiers
 * that scripts/test.ts had to leave out are named above it; in CI each of them counts as a failure.
 */
export default class ClosingLineReporter {
  onRunComplete(_contexts, results) {
    const tiers = JSON.parse(process.env['DASH_TEST_SKIPPED_TIERS'] ?? '[]');
    const isCi = process.env['CI'] === 'true';
    const failed =
      results.numFailedTests + results.numRuntimeErrorTestSuites + (isCi ? tiers.length : 0);
    const skipped = results.numPendingTests + results.numTodoTests + (isCi ? 0 : tiers.length);
    const lines = [
      ...tiers,
      `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped`,
    ];
    // Other reporters still print their summaries after this call.
    process.once('exit', () => process.stdout.write(`\n${lines.join('\n')}\n`));
  }
}
