import { createHash } from 'node:crypto'
import { MAX_POLICY_AGE_SECONDS, type MtaStsMode, mtaStsModes } from '../../core/config/schema/mta-sts.ts'
import { trimBlanks } from '../../core/text/trim-blanks.ts'

/** How senders deliver to the hosts of a domain. RFC 8461 section 3.2. */
export interface MtaStsPolicy {
  readonly mode: MtaStsMode
  /** Host names of MX, or `*.` and a domain. */
  readonly mx: readonly string[]
  readonly maxAgeSeconds: number
}

/** A policy or record that breaks RFC 8461. */
export class MtaStsPolicyError extends Error {
  override readonly name = 'MtaStsPolicyError'
}

/** Returns the fields of a policy in the order of RFC 8461. */
export const policyFields = ({ mode, mx, maxAgeSeconds }: MtaStsPolicy): (readonly [key: string, value: string])[] => [
  ['version', 'STSv1'],
  ['mode', mode],
  ...mx.map((pattern) => ['mx', pattern] as const),
  ['max_age', `${maxAgeSeconds}`],
]

/** Returns the policy file. RFC 8461 section 3.2. @param without leaves out the fields of a key */
export const formatPolicy = (policy: MtaStsPolicy, without?: string): string =>
  policyFields(policy)
    .map(([key, value]) => (key === without ? '' : `${key}: ${value}\r\n`))
    .join('')

/** Returns the id for the TXT record. It changes with the policy: 32 letters and digits. RFC 8461 section 3.1. */
export const policyId = (policy: MtaStsPolicy): string =>
  createHash('sha256').update(formatPolicy(policy)).digest('hex').slice(0, 32)

/** Reads a policy file. @throws MtaStsPolicyError */
export function parsePolicy(text: string): MtaStsPolicy {
  const fields = text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map(fieldOf)
  // RFC 8461 section 3.2: of keys other than mx, the first one counts.
  const first = (key: string): string | undefined => fields.find((field) => field.key === key)?.value
  if (first('version') !== 'STSv1') throw new MtaStsPolicyError('the policy has no version STSv1')
  const mode = mtaStsModes.find((one) => one === first('mode'))
  if (mode === undefined) throw new MtaStsPolicyError('the policy has no mode enforce, testing or none')
  const age = first('max_age') ?? ''
  if (!/^\d{1,10}$/.test(age) || Number(age) > MAX_POLICY_AGE_SECONDS) {
    throw new MtaStsPolicyError(`the policy has no max_age from 0 to ${MAX_POLICY_AGE_SECONDS}`)
  }
  const mx = fields.flatMap(({ key, value }) => (key === 'mx' ? [value.toLowerCase()] : []))
  if (mx.length === 0 && mode !== 'none') throw new MtaStsPolicyError('the policy has no mx')
  return { mode, mx, maxAgeSeconds: Number(age) }
}

/** @throws MtaStsPolicyError */
function fieldOf(line: string): { key: string; value: string } {
  const [, key, value] = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,31}):(.*)$/.exec(line) ?? []
  if (key === undefined || value === undefined) {
    throw new MtaStsPolicyError(`the policy has a line that is not a field: ${JSON.stringify(line.slice(0, 80))}`)
  }
  return { key, value: trimBlanks(value) }
}

/** Returns whether a policy names a host. A wildcard stands for exactly one label. RFC 8461 section 4.1. */
export function namesMx({ mx }: Pick<MtaStsPolicy, 'mx'>, host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  const parent = name.slice(name.indexOf('.'))
  return mx.some((pattern) => {
    const wanted = pattern.toLowerCase().replace(/\.$/, '')
    return wanted.startsWith('*.') ? name.includes('.') && parent === wanted.slice(1) : wanted === name
  })
}
