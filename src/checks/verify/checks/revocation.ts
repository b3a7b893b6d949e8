import { X509Certificate } from 'node:crypto'
import { get as httpGet, type IncomingMessage } from 'node:http'
import { get as httpsGet } from 'node:https'
import { lookupFor } from '../../../core/network/ip-address.ts'
import { extensionValues, readFacts, requiresStaple } from '../../../tls/pki/certificate/certificate.ts'
import { isSignedBy } from '../../../tls/pki/certificate/signed.ts'
import {
  type Asn1,
  decodeNumber,
  decodeTime,
  item,
  items,
  octetStringValue,
  readAsn1,
  taggedItem,
} from '../../../tls/pki/der/decode.ts'
import { tags } from '../../../tls/pki/der/encode.ts'
import { extensionIds } from '../../../tls/pki/der/oids.ts'
import { readPem } from '../../../tls/pki/der/pem.ts'
import { listProblems } from '../../../tls/pki/revocation/list-problems.ts'
import { readCrl } from '../../../tls/pki/revocation/read-crl.ts'
import { followChain, issued } from '../tls/trust.ts'
import { NotTested } from '../types.ts'
import { type Check, type Found, fail, pass, warn } from './check.ts'

/** Longer lists are not read. Public authorities split theirs into shorter ones. */
const MAX_LIST_OCTETS = 32 * 1024 * 1024
const MAX_REDIRECTS = 5

/** Checks the certificate's status by the lists that were added, the stapled OCSP response, or the issuer's list. */
export const revocation: Check = {
  name: 'revocation',
  title: 'revocation',
  async run(probe) {
    const { certificates, staple } = await probe.tls()
    const { certificates: path, root } = followChain(certificates, probe.roots)
    const [leaf] = path
    const issuer = path[1] ?? root
    if (!leaf || !issuer || issuer === leaf) throw new NotTested('the issuer is not known')
    const { lists = [], now: clock } = probe.options
    const now = clock()
    const added = listProblems(lists, root && root !== path.at(-1) ? [...path, root] : path, now)
    const revoked = added.find(({ severity }) => severity === 'error')
    if (revoked) return fail(`the certificate ${revoked.message}`)
    if (staple) return judgeStaple(staple, leaf, issuer, now)
    // RFC 7633 section 4
    if (requiresStaple(leaf))
      return fail('the certificate requires a stapled OCSP response (must-staple), and the server sends none')
    const [address] = crlAddresses(leaf)
    if (address === undefined) {
      const [outdated] = added
      if (outdated) return warn(`the certificate ${outdated.message}`)
      if (lists.some((list) => list.isFrom(issuer))) return pass('not on the list of its issuer that was added')
      throw new NotTested('no OCSP response is stapled, and the certificate names no revocation list')
    }
    const { listHosts, timeoutMs } = probe.options
    if (listHosts && !(URL.canParse(address) && listHosts.includes(new URL(address).hostname))) {
      throw new NotTested(`the certificate names a revocation list on a host that is not listed: ${address}`)
    }
    // A host that is listed could redirect to one that is not.
    const list = await download(address, { timeoutMs, redirect: listHosts ? 'error' : 'follow' })
    return judgeList(list, address, leaf, issuer, now)
  },
}

function judgeStaple(staple: Buffer, leaf: X509Certificate, issuer: X509Certificate, now: number): Found {
  const facts = readStaple(staple, leaf, issuer)
  if (!facts) return fail('the stapled OCSP response is not about this certificate')
  const { status, thisUpdate, nextUpdate, signed } = facts
  const until = nextUpdate ? ` valid until ${nextUpdate.toISOString()}` : ''
  const record = { source: 'staple', ...facts }
  if (!signed) return fail('the stapled OCSP response is not signed by the issuer', record)
  if (status === 'revoked') return fail('revoked, according to the stapled OCSP response', record)
  if (status === 'unknown') return fail('unknown to the issuer, according to the stapled OCSP response', record)
  if (nextUpdate && nextUpdate.getTime() < now)
    return fail(`the stapled OCSP response expired on ${nextUpdate.toISOString()}`, record)
  if (thisUpdate.getTime() > now) return fail('the stapled OCSP response is dated in the future', record)
  return pass(`good, according to a stapled OCSP response${until}`, record)
}

function judgeList(
  list: Buffer | string,
  address: string,
  leaf: X509Certificate,
  issuer: X509Certificate,
  now: number,
): Found {
  if (typeof list === 'string')
    return warn(`no OCSP response is stapled, and the list at ${address} cannot be read: ${list}`)
  const facts = listFacts(list, leaf, issuer)
  const record = { source: address, ...facts }
  if (facts.revoked) return fail(`revoked, according to the list at ${address}`, record)
  if (!facts.signed) return warn(`the list at ${address} is not signed by the issuer`, record)
  if (facts.nextUpdate && facts.nextUpdate.getTime() < now) return warn(`the list at ${address} is out of date`, record)
  return pass(`not on the list at ${address}; no OCSP response is stapled`, record)
}

/** Downloads a list. Returns its octets, or the reason why it cannot be read. */
async function download(
  address: string,
  { timeoutMs, redirect }: { readonly timeoutMs: number; readonly redirect: 'error' | 'follow' },
): Promise<Buffer | string> {
  try {
    const response = await answerTo(address, redirect, AbortSignal.timeout(timeoutMs))
    const { statusCode = 0, headers } = response
    if (statusCode !== 200) {
      response.destroy()
      return `HTTP status ${statusCode}`
    }
    if (Number(headers['content-length'] ?? 0) > MAX_LIST_OCTETS) return 'too long'
    const pieces: Buffer[] = []
    let octets = 0
    // The header may be absent.
    for await (const piece of response as AsyncIterable<Buffer>) {
      octets += piece.length
      if (octets > MAX_LIST_OCTETS) return 'too long'
      pieces.push(piece)
    }
    return Buffer.concat(pieces)
  } catch (error) {
    return (error as Error).message
  }
}

/** Returns the answer to a request. `follow`: the last one of at most MAX_REDIRECTS redirects. */
async function answerTo(address: string, redirect: 'error' | 'follow', signal: AbortSignal): Promise<IncomingMessage> {
  let url = new URL(address)
  for (let left = redirect === 'follow' ? MAX_REDIRECTS : 0; ; left--) {
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const get = url.protocol === 'https:' ? httpsGet : httpGet
      get(url, { signal, agent: false, ...lookupFor(url.hostname) }, resolve).on('error', reject)
    })
    const { statusCode = 0, headers } = answer
    if (left === 0 || headers.location === undefined || statusCode < 300 || statusCode > 399) return answer
    answer.destroy()
    url = new URL(headers.location, url)
  }
}

/** Returns the http addresses of a certificate's revocation lists. RFC 5280 section 4.2.1.13. */
function crlAddresses(certificate: X509Certificate): string[] {
  const value = extensionValues(certificate).get(extensionIds.crlDistributionPoints)
  return (value ? items(value) : []).flatMap((point) => {
    const name = taggedItem(items(point), 0)
    const full = name && taggedItem(items(name), 0)
    return (full ? items(full) : [])
      .map(({ content }) => content.toString('latin1'))
      .filter((url) => /^http:/i.test(url))
  })
}

/** Looks up a certificate in a list, in DER or PEM. @throws PkiError for a malformed list */
function listFacts(octets: Buffer, leaf: X509Certificate, issuer: X509Certificate) {
  const list = readCrl(readPem(octets.toString('latin1'))[0]?.der ?? octets)
  return { revoked: list.lists(leaf), nextUpdate: list.nextUpdate, signed: list.isFrom(issuer) }
}

/** A certificate's status in an OCSP response. */
interface StapleFacts {
  readonly status: 'good' | 'revoked' | 'unknown'
  readonly thisUpdate: Date
  readonly nextUpdate: Date | undefined
  /** Whether the issuer, or a responder that it authorizes, signed the response. */
  readonly signed: boolean
}

const statuses = ['good', 'revoked', 'unknown'] as const

/**
 * Reads an OCSP response about a certificate. RFC 6960 section 4.2.1.
 * @returns undefined if it is about another certificate, or is an error response
 * @throws PkiError for a malformed response
 */
function readStaple(der: Buffer, leaf: X509Certificate, issuer: X509Certificate): StapleFacts | undefined {
  const response = readAsn1(der)
  if (decodeNumber(item(response, 0)) !== 0) return undefined
  const basic = readAsn1(octetStringValue(item(item(item(response, 1), 0), 1)))
  const list = items(item(basic, 0)).find(({ tag }) => tag === tags.sequence)
  const serial = BigInt(`0x${leaf.serialNumber}`)
  const single = (list ? items(list) : []).find((one) => serialOf(one) === serial)
  if (!single) return undefined
  const parts = items(single)
  const next = taggedItem(parts.slice(2), 0)
  const thisUpdate = parts.find(({ tag }) => tag === tags.generalizedTime)
  return {
    status: statuses[(parts[1]?.tag ?? 2) & 0x1f] ?? 'unknown',
    thisUpdate: thisUpdate ? decodeTime(thisUpdate) : new Date(0),
    nextUpdate: next ? decodeTime(item(next, 0)) : undefined,
    signed: isSignedBy(basic, issuer.publicKey) || isSignedByResponder(basic, issuer),
  }
}

const serialOf = (single: Asn1): bigint => BigInt(`0x${item(item(single, 0), 3).content.toString('hex') || '0'}`)

/** Accepts a responder's certificate in the response if the issuer issued it for OCSP. RFC 6960 section 4.2.2.2. */
function isSignedByResponder(basic: Asn1, issuer: X509Certificate): boolean {
  const sent = taggedItem(items(basic).slice(3), 0)
  return (sent ? items(item(sent, 0)) : []).some(({ raw }) => {
    const responder = new X509Certificate(raw)
    return (
      issued(responder, issuer) &&
      readFacts(responder).purposes.includes('OCSPSigning') &&
      isSignedBy(basic, responder.publicKey)
    )
  })
}
