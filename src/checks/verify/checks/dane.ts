import { createHash, type X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { query } from '../dns.ts'
import { NotTested } from '../types.ts'
import { type Check, fail, pass, warn } from './check.ts'

/** A TLSA record. RFC 6698 section 2.1. */
interface Tlsa {
  readonly usage: number
  readonly selector: number
  readonly matching: number
  readonly data: Buffer
}

/** Usages that mail clients support: a trust anchor of the chain, or the server's own certificate. RFC 7672 section 3.1.3. */
const [TRUST_ANCHOR, END_ENTITY] = [2, 3]
const hashes: Readonly<Record<number, string | undefined>> = { 1: 'sha256', 2: 'sha512' }

/** Checks that the certificate matches the TLSA records of its port, if there are any. RFC 7672. */
export const dane: Check = {
  name: 'dane',
  title: 'DANE',
  async run(probe) {
    const { endpoint, options } = probe
    if (!options.resolver) throw new NotTested('needs --resolver')
    if (isIP(endpoint.serverName)) throw new NotTested('needs a server with a name (--server-name)')
    const name = `_${endpoint.port}._tcp.${endpoint.serverName}`
    const answer = await query(options.resolver, name, 'TLSA', options.timeoutMs)
    if (answer.status.startsWith('error')) {
      return fail(`the DNS server answers the query for ${name} with ${answer.status}, so DANE clients do not connect`)
    }
    if (answer.records.length === 0) return pass(`no TLSA records at ${name}`)
    const records = answer.records.map(readTlsa)
    const { certificates } = await probe.tls()
    if (certificates.length === 0) throw new NotTested('the certificate cannot be read')
    const facts = { name, authenticated: answer.authenticated, records: records.map(tlsaText) }
    const match = records.find((record) => matches(record, certificates))
    if (!match) return fail(`no TLSA record at ${name} matches the certificate (${facts.records.join('; ')})`, facts)
    if (!answer.authenticated) {
      return warn(`TLSA records at ${name} match, but clients ignore them: DNSSEC does not validate the answer`, facts)
    }
    return pass(`${tlsaText(match)} at ${name} matches`, facts)
  },
}

const readTlsa = (octets: Buffer): Tlsa => ({
  usage: octets[0] ?? 0,
  selector: octets[1] ?? 0,
  matching: octets[2] ?? 0,
  data: octets.subarray(3),
})

const tlsaText = ({ usage, selector, matching, data }: Tlsa): string =>
  `TLSA ${usage} ${selector} ${matching} ${data.toString('hex').slice(0, 16)}…`

function matches({ usage, selector, matching, data }: Tlsa, chain: readonly X509Certificate[]): boolean {
  const candidates = usage === END_ENTITY ? chain.slice(0, 1) : usage === TRUST_ANCHOR ? chain : []
  return candidates.some((certificate) => {
    const octets = selector === 0 ? certificate.raw : certificate.publicKey.export({ type: 'spki', format: 'der' })
    const hash = hashes[matching]
    if (matching !== 0 && hash === undefined) return false
    return data.equals(hash === undefined ? octets : createHash(hash).update(octets).digest())
  })
}
