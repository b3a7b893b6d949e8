import { createHash } from 'node:crypto'
import type { ResolvedLab } from '../../core/config/resolve.ts'

/** The path of the document, at `paccHost`. draft-ietf-mailmaint-pacc-02. */
export const PACC_PATH = '/.well-known/user-agent-configuration.json'

/** Returns the host at which mail programs look for the document of a mail domain. */
export const paccHost = (domain: string): string => `ua-auto-config.${domain}`

/** The names of the protocols in the document. */
const NAMES = { imap4: 'imap', pop3: 'pop3', smtp: 'smtp' } as const

const WITHOUT_PASSWORD = new Set(['anonymous', 'sasl-anonymous', 'xoauth2', 'oauthbearer'])

/** Returns the document, in JSON whose octets stay the same. It has no ports: the draft takes those of implicit TLS. */
export function paccDocument({ hostname, virtualServers }: ResolvedLab, issuer: string): string {
  const servers = virtualServers.filter(({ certificate }) => certificate.kind !== 'none')
  const protocols = Object.entries(NAMES)
    .filter(([protocol]) => servers.some((one) => one.protocol === protocol))
    .map(([, name]) => [name, { host: hostname }])
  const password = servers.some(
    ({ protocol, authentication }) =>
      Object.hasOwn(NAMES, protocol) && authentication.some((method) => !WITHOUT_PASSWORD.has(method)),
  )
  return JSON.stringify({
    protocols: Object.fromEntries(protocols),
    authentication: { 'oauth-public': { issuer }, password },
    info: { provider: { name: 'Sealpost' } },
  })
}

/** Returns the TXT record by which mail programs verify the document. */
export const paccRecord = (domain: string, document: string): { readonly name: string; readonly text: string } => ({
  name: `_ua-auto-config.${domain}`,
  text: `v=UAAC1; a=sha256; d=${createHash('sha256').update(document).digest('base64')}`,
})
