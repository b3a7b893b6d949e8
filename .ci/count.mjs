// Says in one line what vitest's JSON report counts. A test file that could not run at all counts as one failure.
import { existsSync, readFileSync } from 'node:fs'

const file = process.argv[2]
const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
const lost = report?.testResults.filter(({ status, assertionResults }) => {
  return status === 'failed' && !assertionResults.some((result) => result.status === 'failed')
}).length
const passed = report?.numPassedTests ?? 0
const failed = report ? report.numFailedTests + lost : 1
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
