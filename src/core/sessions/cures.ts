import type { SessionCause, SessionRecord } from './types.ts'

/** The cure for each cause of a refusal: for the API and the command line. The console has its own texts by the same names. */
const cures = {
  'untrusted-root':
    'install the root of the lab on the client: sealpost ca export writes the file, sealpost trust install installs it on this machine',
  'wrong-name':
    'connect by a name that the certificate contains, or issue a certificate with the name that the client uses: sealpost cert issue',
  'certificate-refused':
    'connect by a name that the certificate contains, and install the root of the lab on the client: sealpost cert show, sealpost trust install',
  'certificate-expired':
    'renew the certificate with sealpost cert renew, and compare the clocks of the client and the lab',
  'certificate-revoked': 'replace the revoked certificate: sealpost cert renew or sealpost cert issue',
  version: 'allow the version of the client with tls.minVersion, tls.maxVersion or tls.legacy, or update the client',
  suite: 'allow a cipher suite, group or signature of the client with tls.ciphers, tls.groups or tls.legacy',
  'clear-text': 'choose SSL/TLS in the client, or let it use the clear-text port, with STARTTLS where possible',
  'needs-tls':
    'choose STARTTLS or SSL/TLS in the client: this virtual server takes no passwords in clear text (see `sealpost config show`)',
  'client-certificate':
    'install a certificate of the lab on the client (sealpost ca user), or change clientCertificates of the virtual server',
  'wrong-password':
    'enter the password of the account in the client; the configuration file has it, unless it is hashed',
  'unknown-account':
    'enter the user name of an account of the lab in the client, or add the account to the configuration file',
  'account-state': 'change the state of the account, or enter one of its app passwords in the client',
} as const satisfies Readonly<Record<string, string>>

/** The causes of refusals that the lab knows a cure for. */
export type CauseName = keyof typeof cures

export const causeNames = Object.keys(cures) as readonly CauseName[]

/** A cause with its cure. */
export interface Cure {
  readonly cause: CauseName
  /** The account whose log-on was refused, if the lab has it. */
  readonly account?: string
  /** The cure in words, in the imperative. */
  readonly text: string
}

/** Returns what would help a client that was refused. */
export const curesOf = ({ causes = [] }: Pick<SessionRecord, 'causes'>): Cure[] =>
  causes.map(({ name, account }: SessionCause) => ({
    cause: name,
    ...(account === undefined ? {} : { account }),
    text: cures[name],
  }))
