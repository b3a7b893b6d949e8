import type { Bound } from '../bind.ts'
import type { TestRow } from '../language.ts'
import type { Call } from '../run.ts'

/** Runs tests from the left until one has the wanted result. RFC 5463 section 4 needs this order. */
async function findsOne(call: Call, wanted: boolean): Promise<boolean> {
  for (const test of call.bound.tests as readonly Bound<TestRow>[])
    if ((await call.run.test(test)) === wanted) return true
  return false
}

/** RFC 5228 sections 5.2, 5.3, 5.6, 5.8, 5.10. */
export const logic: readonly TestRow[] = [
  { name: 'true', test: () => true },
  { name: 'false', test: () => false },
  { name: 'not', tests: 'one', test: async (call) => !(await call.test(0)) },
  { name: 'anyof', tests: 'list', test: (call) => findsOne(call, true) },
  { name: 'allof', tests: 'list', test: async (call) => !(await findsOne(call, false)) },
]
