import type { X509Certificate } from 'node:crypto'
import { extensionValues } from '../../pki/certificate/certificate.ts'
import { extensionIds } from '../../pki/der/oids.ts'
import { NotTested } from '../errors.ts'
import { crlAddresses, readCrl } from '../revocation/crl.ts'
import { readStaple } from '../revocation/staple.ts'
import { followChain } from '../tls/trust.ts'
import { type Check, type Found, fail, pass, warn } from './check.ts'

/** TLS feature status_request. RFC 7633 section 6 */
const mustStaple = (certificate: X509Certificate): boolean => extensionValues(certificate).has(extensionIds.tlsFeature)

/** Longer lists are not read: those of public authorities are split to stay below. */
const MAX_LIST_OCTETS = 32 * 1024 * 1024

/** What the issuer says of the certificate now: by the stapled OCSP response, else by its revocation list. */
export const revocation: Check = {
  name: 'revocation',
  title: 'revocation',
  async run(probe) {
    const { certificates, staple } = await probe.tls()
    const { certificates: path, root } = followChain(certificates, probe.roots)
    const [leaf] = path
    const issuer = path[1] ?? root
    if (!leaf || !issuer || issuer === leaf) throw new NotTested('no issuer is known who could revoke it')
    const now = probe.options.now()
    if (staple) return judgeStaple(staple, leaf, issuer, now)
    // RFC 7633 section 4
    if (mustStaple(leaf)) return fail('the certificate says that an OCSP response is stapled (must-staple); none is')
    const [address] = crlAddresses(leaf)
    if (address === undefined) {
      throw new NotTested('nothing is stapled, and the certificate names no revocation list')
    }
    return judgeList(address, leaf, issuer, now, probe.options.timeoutMs)
  },
}

function judgeStaple(staple: Buffer, leaf: X509Certificate, issuer: X509Certificate, now: number): Found {
  const facts = readStaple(staple, leaf, issuer)
  if (!facts) return fail('the stapled OCSP response says nothing of this certificate')
  const { status, thisUpdate, nextUpdate, signed } = facts
  const until = nextUpdate ? ` until ${nextUpdate.toISOString()}` : ''
  const record = { source: 'staple', ...facts }
  if (!signed) return fail('the stapled OCSP response is not signed by the issuer', record)
  if (status === 'revoked') return fail('revoked, by the stapled OCSP response', record)
  if (status === 'unknown') return fail('the issuer does not know it, by the stapled OCSP response', record)
  if (nextUpdate && nextUpdate.getTime() < now) return fail(`the stapled OCSP response was good${until} only`, record)
  if (thisUpdate.getTime() > now) return fail('the stapled OCSP response is of the future', record)
  return pass(`good, by a stapled OCSP response${until}`, record)
}

async function judgeList(
  address: string,
  leaf: X509Certificate,
  issuer: X509Certificate,
  now: number,
  timeoutMs: number,
): Promise<Found> {
  const list = await download(address, timeoutMs)
  if (typeof list === 'string') return warn(`nothing is stapled, and ${address} cannot be read: ${list}`)
  const facts = readCrl(list, leaf, issuer)
  const record = { source: address, ...facts }
  if (facts.revoked) return fail(`revoked, by the list at ${address}`, record)
  if (!facts.signed) return warn(`the list at ${address} is not signed by the issuer`, record)
  if (facts.nextUpdate && facts.nextUpdate.getTime() < now) return warn(`the list at ${address} is out of date`, record)
  return pass(`not on the list at ${address}; nothing is stapled`, record)
}

/** The octets, or why there are none. */
async function download(address: string, timeoutMs: number): Promise<Buffer | string> {
  try {
    const response = await fetch(address, { signal: AbortSignal.timeout(timeoutMs) })
    if (!response.ok) return `HTTP status ${response.status}`
    if (Number(response.headers.get('content-length') ?? 0) > MAX_LIST_OCTETS) return 'too long'
    return Buffer.from(await response.arrayBuffer())
  } catch (error) {
    const cause = (error as Error).cause
    return cause instanceof Error ? cause.message : (error as Error).message
  }
}
