/** The checks of a verify by subject, in the order of the report. Their texts are in the area `checks`. */
export const checkGroups = {
  connection: ['reachable', 'greeting', 'tls', 'negotiated'],
  certificate: [
    'chain',
    'names',
    'dates',
    'key',
    'purposes',
    'other-certificates',
    'revocation',
    'transparency',
    'dane',
    'mta-sts',
  ],
  tls: ['versions', 'handshakes', 'alpn', 'suites', 'older-suites', 'recommendations', 'groups', 'dh-groups'],
  flaws: [
    'freak',
    'downgrade',
    'renegotiation',
    'compression',
    'cbc-padding',
    'robot',
    'heartbleed',
    'ccs-injection',
    'resumption',
    'cross-port-resumption',
  ],
  channel: ['secure-channel', 'log-on', 'mechanisms', 'injection', 'stripping', 'state', 'second-starttls'],
  delivery: ['delivery'],
} as const

type CheckGroup = keyof typeof checkGroups
export const groupNames = Object.keys(checkGroups) as CheckGroup[]
export const allChecks: readonly string[] = Object.values(checkGroups).flat()

/** Returns the subject of a check. One that the console does not know is listed with the last. */
export const groupOf = (check: string): CheckGroup =>
  groupNames.find((group) => (checkGroups[group] as readonly string[]).includes(check)) ?? 'delivery'

/** Returns the place of a check in the report. */
export function orderOf(check: string): number {
  const at = allChecks.indexOf(check)
  return at === -1 ? allChecks.length : at
}

/** The page on which the lab cures failures of a subject. */
export const curedOn: Partial<Readonly<Record<CheckGroup, 'certificate' | 'access'>>> = {
  connection: 'access',
  certificate: 'certificate',
  tls: 'access',
  channel: 'access',
}
