import type { MtaStsDefect } from '../../core/config/schema/mta-sts.ts'
import { formatPolicy, type MtaStsPolicy } from './policy.ts'

/** Where senders look for the policy, at the host `mta-sts.DOMAIN`. RFC 8461 section 3.3. */
export const POLICY_PATH = '/.well-known/mta-sts.txt'

/** Senders read at most this much. RFC 8461 section 3.3. */
export const MAX_POLICY_OCTETS = 64 * 1024

/** Returns the host that serves the policy of a domain. RFC 8461 section 3.3. */
export const policyHost = (domain: string): string => `mta-sts.${domain}`

/** An answer of the policy host. */
interface ServedPolicy {
  readonly status: 200 | 301 | 404
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

const TEXT = { 'Content-Type': 'text/plain' }

const textAnswer = (body: string): ServedPolicy => ({ status: 200, headers: TEXT, body })

/** Returns the policy without the fields of a key. */
const without = (policy: MtaStsPolicy, key: string): ServedPolicy => textAnswer(formatPolicy(policy, key))

const defects: Readonly<Record<MtaStsDefect, (policy: MtaStsPolicy) => ServedPolicy>> = {
  'wrong-content-type': (policy) => ({ ...textAnswer(formatPolicy(policy)), headers: { 'Content-Type': 'text/html' } }),
  'wrong-mx': (policy) => textAnswer(formatPolicy({ ...policy, mx: ['mx.elsewhere.invalid'] })),
  'missing-version': (policy) => without(policy, 'version'),
  'missing-mode': (policy) => without(policy, 'mode'),
  'missing-mx': (policy) => without(policy, 'mx'),
  'missing-max-age': (policy) => without(policy, 'max_age'),
  // RFC 8461 section 3.3: senders must not follow it.
  redirect: () => ({ status: 301, headers: { ...TEXT, Location: '/mta-sts.txt' }, body: '' }),
  'too-large': (policy) => textAnswer(`${formatPolicy(policy)}${'x_padding: x\r\n'.repeat(MAX_POLICY_OCTETS / 8)}`),
  'not-found': () => ({ status: 404, headers: TEXT, body: 'not found\r\n' }),
}

/** Returns what the policy host answers: the policy, or the policy with a defect. */
export const servedPolicy = (policy: MtaStsPolicy, defect?: MtaStsDefect): ServedPolicy =>
  defect === undefined ? textAnswer(formatPolicy(policy)) : defects[defect](policy)
