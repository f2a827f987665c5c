/** Prints the totals of Vitest's JSON report over all projects, as one line: "N passed, N failed". */
import { readFileSync } from 'node:fs';

let passed = 0;
let failed = 1;
try {
  const report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
  passed = report.numPassedTests;
  // A file that fails before its first test has no failed test, but it failed.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((result) => result.status === 'failed'),
  );
  // Errors outside of any test fail the run as well.
  failed = Math.max(report.numFailedTests + broken.length, report.success ? 0 : 1);
} catch (error) {
  console.error(`There is no report of the tests: ${error.message}`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
