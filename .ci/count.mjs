// Adds up vitest's JSON reports and prints one line: `N passed, N failed`. A test file that could not run, and a missing
// report, count as one failure each.
import { existsSync, readFileSync } from 'node:fs'

let passed = 0
let failed = 0
for (const file of process.argv.slice(2)) {
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  const unrunnable = report?.testResults.filter(({ status, assertionResults }) => {
    return status === 'failed' && !assertionResults.some((result) => result.status === 'failed')
  }).length
  passed += report?.numPassedTests ?? 0
  failed += report ? report.numFailedTests + unrunnable : 1
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
