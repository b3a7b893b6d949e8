// Adds up vitest's JSON reports. Prints each failure, then one line: `N passed, N failed`. A test file that could not run,
// and a missing report, count as one failure each.
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'

let passed = 0
const failures = []
for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    failures.push(`${file}: there is no report`)
    continue
  }
  const report = JSON.parse(readFileSync(file, 'utf8'))
  passed += report.numPassedTests
  for (const { name, status, message, assertionResults } of report.testResults) {
    const failed = assertionResults.filter((result) => result.status === 'failed')
    const where = `${file}: ${relative(process.cwd(), name)}`
    for (const { fullName, failureMessages } of failed)
      failures.push(`${where}: ${fullName}\n${failureMessages.join('\n')}`)
    if (status === 'failed' && failed.length === 0) failures.push(`${where}: could not run\n${message}`)
  }
}
for (const failure of failures) console.log(`failed: ${failure}`)
console.log(`${passed} passed, ${failures.length} failed`)
process.exit(failures.length === 0 && passed > 0 ? 0 : 1)
