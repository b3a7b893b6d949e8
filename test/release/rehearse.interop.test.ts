import { test } from 'vitest'
import { canRehearse, expectRehearsal } from './rehearsal.ts'

test.runIf(canRehearse)(
  "README's lines for the binary and for Debian install a lab that receives mail",
  () => expectRehearsal(['binary', 'deb']),
  900_000,
)
