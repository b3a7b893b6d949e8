import { Authorities } from '../../authority/authorities.ts'
import { answerTo } from '../../authority/queue.ts'
import type { IssuedChain } from '../../authority/sign.ts'
import { certificatePem } from '../../certificate/certificate.ts'
import { type ReadRequest, readRequest } from '../../certificate/request.ts'
import { PkiError } from '../../errors.ts'
import type { AcmeHandler, AcmeRequest } from '../directory.ts'
import { jwkThumbprint } from '../jws.ts'
import { AcmeProblem, json } from '../response.ts'
import type { Authorization, Challenge, Identifier, Order } from '../types.ts'
import { checkIdentifier, validateHttp01 } from '../validation.ts'
import { signer } from './accounts.ts'

const MAX_IDENTIFIERS = 100

/** RFC 8555 section 7.4; `replaces` of RFC 9773 section 5. */
export const newOrder: AcmeHandler = {
  signedBy: 'account',
  run(asked) {
    const { directory, request, payload } = asked
    const { identifiers, replaces, notBefore, notAfter } = payload
    if (notBefore !== undefined || notAfter !== undefined) {
      throw new AcmeProblem('malformed', 'notBefore and notAfter are the authority’s to choose here')
    }
    if (replaces !== undefined && typeof replaces !== 'string')
      throw new AcmeProblem('malformed', 'replaces is no text')
    const order = directory.orders.create(signer(asked).id, namesOf(identifiers), directory.store.clock.now(), replaces)
    return json(orderDocument(asked, order), {
      status: 201,
      headers: { location: directory.url(request, 'order', order.id) },
    })
  },
}

function namesOf(identifiers: unknown): Identifier[] {
  if (!Array.isArray(identifiers) || identifiers.length === 0 || identifiers.length > MAX_IDENTIFIERS) {
    throw new AcmeProblem('malformed', `identifiers is no list of 1 to ${MAX_IDENTIFIERS} names`)
  }
  const names = identifiers.map((one: unknown) => {
    const { type, value } = (one ?? {}) as Record<string, unknown>
    if (typeof type !== 'string' || typeof value !== 'string')
      throw new AcmeProblem('malformed', 'an identifier has type and value')
    const identifier = { type, value: value.toLowerCase() } as Identifier
    checkIdentifier(identifier)
    return identifier
  })
  return [...new Map(names.map((name) => [`${name.type} ${name.value}`, name])).values()]
}

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

/** Reads or deactivates an authorization. RFC 8555 sections 7.5 and 7.5.2. */
export const authorization: AcmeHandler = {
  signedBy: 'account',
  run(asked) {
    const { directory, payload, id, asGet } = asked
    const found = directory.orders.authorization(id, signer(asked).id)
    if (!asGet) {
      if (payload.status !== 'deactivated')
        throw new AcmeProblem('malformed', 'an authorization can only be made deactivated')
      found.status = 'deactivated'
    }
    return json(authorizationDocument(asked, found))
  },
}

function authorizationDocument(asked: AcmeRequest, { identifier, status, expires, challenges }: Authorization): object {
  return { identifier, status, expires, challenges: challenges.map((one) => challengeDocument(asked, one)) }
}

export function challengeDocument({ directory, request }: AcmeRequest, challenge: Challenge): object {
  const { id, ...rest } = challenge
  return { ...rest, url: directory.url(request, 'challenge', id) }
}

/** A client says that its answer is in place. RFC 8555 section 7.5.1. */
export const challenge: AcmeHandler = {
  signedBy: 'account',
  run(asked) {
    const { directory, request, id, asGet } = asked
    const found = directory.orders.challenge(id, signer(asked).id)
    if (!asGet && found.challenge.status === 'pending' && found.authorization.status === 'pending') {
      found.challenge.status = 'processing'
      void validate(asked, found.authorization, found.challenge)
    }
    const up = `<${directory.url(request, 'authorization', found.authorization.id)}>;rel="up"`
    return json(challengeDocument(asked, found.challenge), { headers: { link: up } })
  },
}

/** Never rejects: what fails is on the challenge. RFC 8555 section 7.1.6. */
async function validate(
  { directory, request, jwk }: AcmeRequest,
  authorization: Authorization,
  challenge: Challenge,
): Promise<void> {
  const { identifier } = authorization
  try {
    const { httpPort: port } = directory.options
    await validateHttp01({ identifier, token: challenge.token, jwk, clientAddress: request.clientAddress, port })
    challenge.status = 'valid'
    challenge.validated = new Date(directory.store.clock.now()).toISOString()
    authorization.status = 'valid'
  } catch (error) {
    const problem = error instanceof AcmeProblem ? error : new AcmeProblem('serverInternal', (error as Error).message)
    challenge.status = 'invalid'
    challenge.error = problem.document()
    authorization.status = 'invalid'
    directory.log.warn(
      { authority: directory.authority, name: identifier.value },
      `ACME validation failed: ${problem.message}`,
    )
  }
}
