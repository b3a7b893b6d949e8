import { TlsReportError } from './types.ts'

const MAX_POLICIES = 1000
/** Maximum number of entries in all policies together. */
const MAX_FAILURES = 1000
/** Maximum number of entries in a list of texts. */
const MAX_TEXTS = 100

/**
 * Counts what a file has before anything looks at each entry: a few kilobytes of gzip hold a million entries, and each mistake
 * in them costs memory and time.
 *
 * @throws TlsReportError
 */
export function checkLimits(file: unknown): void {
  const policies = listIn(file, 'policies')
  check(policies, MAX_POLICIES, 'policies')
  check(
    policies.flatMap((entry) => listIn(entry, 'failure-details')),
    MAX_FAILURES,
    'failure-details',
  )
  for (const entry of policies) {
    const policy = valueIn(entry, 'policy')
    for (const key of ['policy-string', 'mx-host']) check(listIn(policy, key), MAX_TEXTS, `entries of ${key}`)
  }
}

function check(list: readonly unknown[], max: number, what: string): void {
  if (list.length > max) throw new TlsReportError(`the TLS report has more than ${max} ${what}`)
}

const valueIn = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined

/** Returns a list of a file; an empty one for anything else, which the schema refuses. */
function listIn(value: unknown, key: string): readonly unknown[] {
  const list = valueIn(value, key)
  return Array.isArray(list) ? list : []
}
