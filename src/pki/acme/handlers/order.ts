import { Authorities } from '../../authorities.ts'
import { answerTo } from '../../authority/queue.ts'
import type { IssuedChain } from '../../authority/sign.ts'
import { PkiError } from '../../errors.ts'
import { certificatePem } from '../../x509/certificate.ts'
import { type ReadRequest, readRequest } from '../../x509/request.ts'
import type { AcmeHandler, AcmeRequest } from '../directory.ts'
import { json } from '../json.ts'
import { jwkThumbprint } from '../jwk.ts'
import { AcmeProblem } from '../problem.ts'
import type { Identifier, Order } from '../types.ts'
import { signer } from './account.ts'

/** An order, and its `finalize`. RFC 8555 section 7.4. */
export const finalizeOrOrder: AcmeHandler = {
  signedBy: 'account',
  async run(asked) {
    const { directory, request, id } = asked
    const [orderId = '', action] = id.split('/')
    const order = directory.orders.order(orderId, signer(asked).id)
    if (action === 'finalize') await finalize(asked, order)
    else if (action !== undefined) throw new AcmeProblem('malformed', 'no such resource', { status: 404 })
    await pickUp(asked, order)
    const waiting = directory.orders.status(order, directory.store.clock.now()) === 'processing'
    return json(orderDocument(asked, order), {
      headers: { location: directory.url(request, 'order', order.id), ...(waiting ? { 'retry-after': '3' } : {}) },
    })
  },
}

export function orderDocument({ directory, request }: AcmeRequest, order: Order): object {
  const { id, identifiers, authorizations, expires, replaces, error, outcome } = order
  return {
    status: directory.orders.status(order, directory.store.clock.now()),
    expires,
    identifiers,
    authorizations: authorizations.map((one) => directory.url(request, 'authorization', one)),
    finalize: directory.url(request, 'order', id, 'finalize'),
    ...(replaces === undefined ? {} : { replaces }),
    ...(error ? { error } : {}),
    ...(outcome?.kind === 'issued' ? { certificate: directory.url(request, 'certificate', id) } : {}),
  }
}

async function finalize({ directory, payload, jwk }: AcmeRequest, order: Order): Promise<void> {
  const status = directory.orders.status(order, directory.store.clock.now())
  if (status === 'valid' || status === 'processing') return
  if (status !== 'ready') throw new AcmeProblem('orderNotReady', `the order is ${status}`)
  if (typeof payload.csr !== 'string') throw new AcmeProblem('malformed', 'finalize wants csr, DER in base64url')
  const csr = Buffer.from(payload.csr, 'base64url')
  checkRequest(csr, order.identifiers, jwkThumbprint(jwk))
  order.finalizing = true
  try {
    const answer = await new Authorities(directory.store).submit(csr, directory.authority)
    order.outcome =
      answer.state === 'issued' ? { kind: 'issued', pem: pemOf(answer.chain) } : { kind: 'queued', request: answer.id }
  } catch (error) {
    if (error instanceof PkiError) throw new AcmeProblem('badCSR', error.message)
    throw error
  } finally {
    order.finalizing = false
  }
}

/** A standalone authority answers when somebody has approved. */
async function pickUp({ directory }: AcmeRequest, order: Order): Promise<void> {
  if (order.outcome?.kind !== 'queued') return
  const { state, chain } = await answerTo(directory.store, directory.authority, order.outcome.request)
  if (chain) order.outcome = { kind: 'issued', pem: pemOf(chain) }
  if (state === 'denied') order.error = new AcmeProblem('unauthorized', 'the authority denied the request').document()
}

/** The request must ask for the names of the order, no more and no fewer, and not be of the account's key. RFC 8555 sections 7.4 and 11.1. */
function checkRequest(csr: Buffer, identifiers: readonly Identifier[], accountThumbprint: string): void {
  let request: ReadRequest
  try {
    request = readRequest(csr)
  } catch (error) {
    throw new AcmeProblem('badCSR', (error as Error).message)
  }
  const key = request.publicKey.export({ format: 'jwk' }) as Record<string, string>
  if (jwkThumbprint(key) === accountThumbprint)
    throw new AcmeProblem('badCSR', 'the certificate’s key is the account’s own')
  const commonNames = request.subject.filter(({ type }) => type === 'CN').map(({ value }) => value)
  const asked = new Set([...request.names.map(({ value }) => value), ...commonNames].map((name) => name.toLowerCase()))
  const ordered = new Set(identifiers.map(({ value }) => value))
  if (asked.size !== ordered.size || ![...asked].every((name) => ordered.has(name))) {
    throw new AcmeProblem(
      'badCSR',
      `the request is for ${[...asked].join(', ')}, the order for ${[...ordered].join(', ')}`,
    )
  }
}

/**
 * The certificate and its issuers, without the root that clients have; but with it where it issued itself, since clients
 * want an issuer to be there (certbot). RFC 8555 section 7.4.2.
 */
const pemOf = (chain: IssuedChain): string =>
  chain
    .filter((one, index) => index < 2 || one.subject !== one.issuer)
    .map(certificatePem)
    .join('')
