import { test } from 'vitest'
import { canRehearse, expectRehearsal } from './rehearsal.ts'

// npm downloads verdaccio and the dependencies of the package.
test.runIf(canRehearse)(
  "README's lines for npm run a lab and its test with the published package",
  () => expectRehearsal(['npx', 'npm']),
  900_000,
)
