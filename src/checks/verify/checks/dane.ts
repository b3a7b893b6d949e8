import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { TlsaRecord } from '../../../transport/dns/resolver.ts'
import { END_ENTITY, matchesTlsa, TRUST_ANCHOR, tlsaText } from '../../../transport/dns/tlsa.ts'
import { answerTo, resolverAt } from '../dns.ts'
import { NotTested } from '../types.ts'
import { type Check, fail, pass, warn } from './check.ts'

/** Checks that the certificate matches the TLSA records of its port, if there are any. RFC 7672. */
export const dane: Check = {
  name: 'dane',
  title: 'DANE',
  async run(probe) {
    const { endpoint, options } = probe
    if (!options.resolver) throw new NotTested('needs --resolver')
    if (isIP(endpoint.serverName)) throw new NotTested('needs a server with a name (--server-name)')
    const name = `_${endpoint.port}._tcp.${endpoint.serverName}`
    const answer = await answerTo(resolverAt(options.resolver, options.timeoutMs).tlsa(name))
    if (answer.error) {
      return fail(`the DNS server answers the query for ${name} with ${answer.error}, so DANE clients do not connect`)
    }
    if (answer.records.length === 0) return pass(`no TLSA records at ${name}`)
    const { certificates } = await probe.tls()
    if (certificates.length === 0) throw new NotTested('the certificate cannot be read')
    const facts = { name, authenticated: answer.authenticated, records: answer.records.map(titleOf) }
    const match = answer.records.find((record) => matchesChain(record, certificates))
    if (!match) return fail(`no TLSA record at ${name} matches the certificate (${facts.records.join('; ')})`, facts)
    if (!answer.authenticated) {
      return warn(`TLSA records at ${name} match, but clients ignore them: DNSSEC does not validate the answer`, facts)
    }
    return pass(`${titleOf(match)} at ${name} matches`, facts)
  },
}

const titleOf = (record: TlsaRecord): string => `TLSA ${tlsaText(record)}`

/** Returns whether a record names the server's own certificate, or a trust anchor of its chain. */
function matchesChain(record: TlsaRecord, chain: readonly X509Certificate[]): boolean {
  const { usage } = record
  const candidates = usage === END_ENTITY ? chain.slice(0, 1) : usage === TRUST_ANCHOR ? chain : []
  return candidates.some((certificate) => matchesTlsa(record, certificate))
}
