import type { IssuedChain } from '../../authority/issue.ts'
import { queuedAnswer, submitRequest } from '../../authority/queue.ts'
import { certificatePem } from '../../certificate/certificate.ts'
import { type ReadRequest, readRequest } from '../../certificate/request.ts'
import { PkiError } from '../../errors.ts'
import type { Identifier } from '../identifier.ts'
import { jwkThumbprint } from '../jws.ts'
import type { Authorization, Challenge, Order } from '../orders.ts'
import { AcmeProblem, json } from '../response.ts'
import { checkIdentifier, validateHttp01 } from '../validation.ts'
import { type AcmeHandler, type AcmeRequest, signer } from './handler.ts'
import { checkReplaces } from './renewal-info.ts'

const maxIdentifiers = 100

/** Creates an order. RFC 8555 section 7.4; `replaces` by RFC 9773 section 5. */
export const newOrder: AcmeHandler = {
  signedBy: 'account',
  async run(request) {
    const { directory, payload } = request
    const { replaces, notBefore, notAfter } = payload
    const identifiers = readIdentifiers(payload.identifiers)
    if (notBefore !== undefined || notAfter !== undefined) {
      throw new AcmeProblem('malformed', 'notBefore and notAfter cannot be requested here')
    }
    if (replaces !== undefined && typeof replaces !== 'string') {
      throw new AcmeProblem('malformed', 'replaces is not a string')
    }
    if (replaces !== undefined) await checkReplaces(directory, signer(request).id, replaces, identifiers)
    const nowMs = directory.store.clock.now()
    const created = directory.orders.create(signer(request).id, identifiers, nowMs, replaces)
    return json(orderDocument(request, created), {
      status: 201,
      headers: { location: directory.url(request.request, 'order', created.id) },
    })
  },
}

function readIdentifiers(identifiers: unknown): Identifier[] {
  if (!Array.isArray(identifiers) || identifiers.length === 0 || identifiers.length > maxIdentifiers) {
    throw new AcmeProblem('malformed', `identifiers is not a list of 1 to ${maxIdentifiers} names`)
  }
  const names = identifiers.map((one: unknown) => {
    const { type, value } = (one ?? {}) as Record<string, unknown>
    if (typeof type !== 'string' || typeof value !== 'string') {
      throw new AcmeProblem('malformed', 'an identifier must have type and value')
    }
    const identifier = { type, value: value.toLowerCase() } as Identifier
    checkIdentifier(identifier)
    return identifier
  })
  return [...new Map(names.map((name) => [`${name.type} ${name.value}`, name])).values()]
}

/** Returns an order, or finalizes it. RFC 8555 section 7.4. */
export const order: AcmeHandler = {
  signedBy: 'account',
  async run(request) {
    const { directory } = request
    const [id = '', action] = request.id.split('/')
    const found = directory.orders.order(id, signer(request).id)
    if (action === 'finalize') await finalize(request, found)
    else if (action !== undefined) throw new AcmeProblem('malformed', 'no such resource', { status: 404 })
    await updateQueued(request, found)
    const processing = directory.orders.status(found, directory.store.clock.now()) === 'processing'
    const location = directory.url(request.request, 'order', found.id)
    return json(orderDocument(request, found), {
      headers: { location, ...(processing ? { 'retry-after': '3' } : {}) },
    })
  },
}

function orderDocument({ directory, request }: AcmeRequest, one: Order): object {
  const { id, identifiers, authorizations, expires, replaces, error, outcome } = one
  return {
    status: directory.orders.status(one, directory.store.clock.now()),
    expires,
    identifiers,
    authorizations: authorizations.map((authorizationId) => directory.url(request, 'authorization', authorizationId)),
    finalize: directory.url(request, 'order', id, 'finalize'),
    ...(replaces === undefined ? {} : { replaces }),
    ...(error ? { error } : {}),
    ...(outcome?.kind === 'issued' ? { certificate: directory.url(request, 'certificate', id) } : {}),
  }
}

async function finalize({ directory, payload, jwk }: AcmeRequest, one: Order): Promise<void> {
  const status = directory.orders.status(one, directory.store.clock.now())
  if (status === 'valid' || status === 'processing') return
  if (status !== 'ready') throw new AcmeProblem('orderNotReady', `the order is ${status}`)
  if (typeof payload.csr !== 'string') throw new AcmeProblem('malformed', 'finalize needs csr, DER in base64url')
  const csr = Buffer.from(payload.csr, 'base64url')
  checkCsr(csr, one.identifiers, jwkThumbprint(jwk))
  one.finalizing = true
  try {
    const answer = await submitRequest(directory.store, csr, directory.authority)
    one.outcome =
      answer.state === 'issued' ? { kind: 'issued', pem: pemOf(answer.chain) } : { kind: 'queued', request: answer.id }
  } catch (error) {
    if (error instanceof PkiError) throw new AcmeProblem('badCSR', error.message)
    throw error
  } finally {
    one.finalizing = false
  }
}

/** Checks whether a standalone authority has approved or denied the request of an order. */
async function updateQueued({ directory }: AcmeRequest, one: Order): Promise<void> {
  if (one.outcome?.kind !== 'queued') return
  const { state, chain } = await queuedAnswer(directory.store, directory.authority, one.outcome.request)
  if (chain) one.outcome = { kind: 'issued', pem: pemOf(chain) }
  if (state === 'denied') one.error = new AcmeProblem('unauthorized', 'the authority denied the request').document()
}

/**
 * Checks that a request is for exactly the names of the order, and not for the account's key. RFC 8555 sections 7.4 and
 * 11.1. @throws AcmeProblem `badCSR`
 */
function checkCsr(csr: Buffer, identifiers: readonly Identifier[], accountThumbprint: string): void {
  let request: ReadRequest
  try {
    request = readRequest(csr)
  } catch (error) {
    throw new AcmeProblem('badCSR', (error as Error).message)
  }
  const key = request.publicKey.export({ format: 'jwk' }) as Record<string, string>
  if (jwkThumbprint(key) === accountThumbprint) {
    throw new AcmeProblem('badCSR', 'the key of the certificate must not be the key of the account')
  }
  const commonNames = request.subject.filter(({ type }) => type === 'CN').map(({ value }) => value)
  const names = [...request.names.map(({ value }) => value), ...commonNames]
  const requested = new Set(names.map((name) => name.toLowerCase()))
  const ordered = new Set(identifiers.map(({ value }) => value))
  if (requested.size !== ordered.size || ![...requested].every((name) => ordered.has(name))) {
    throw new AcmeProblem(
      'badCSR',
      `the request is for ${[...requested].join(', ')}, the order for ${[...ordered].join(', ')}`,
    )
  }
}

/**
 * Returns the certificate and its issuers, without the root, which clients have. If the root issued the certificate
 * itself, it is included, because clients such as certbot need an issuer. RFC 8555 section 7.4.2.
 */
const pemOf = (chain: IssuedChain): string =>
  chain
    .filter((one, index) => index < 2 || one.subject !== one.issuer)
    .map(certificatePem)
    .join('')

/** Returns or deactivates an authorization. RFC 8555 sections 7.5 and 7.5.2. */
export const authorization: AcmeHandler = {
  signedBy: 'account',
  run(request) {
    const { directory, payload, id, asGet } = request
    const found = directory.orders.authorization(id, signer(request).id)
    if (!asGet) {
      if (payload.status !== 'deactivated') {
        throw new AcmeProblem('malformed', 'the only status that an authorization can be set to is deactivated')
      }
      found.status = 'deactivated'
    }
    const { identifier, status, expires, challenges } = found
    return json({ identifier, status, expires, challenges: challenges.map((one) => challengeDocument(request, one)) })
  },
}

/** Returns a challenge, or starts its validation. RFC 8555 section 7.5.1. */
export const challenge: AcmeHandler = {
  signedBy: 'account',
  run(request) {
    const { directory, id, asGet } = request
    const found = directory.orders.challenge(id, signer(request).id)
    if (!asGet && found.challenge.status === 'pending' && found.authorization.status === 'pending') {
      found.challenge.status = 'processing'
      void validate(request, found.authorization, found.challenge)
    }
    const up = `<${directory.url(request.request, 'authorization', found.authorization.id)}>;rel="up"`
    return json(challengeDocument(request, found.challenge), { headers: { link: up } })
  },
}

function challengeDocument({ directory, request }: AcmeRequest, one: Challenge): object {
  const { id, ...rest } = one
  return { ...rest, url: directory.url(request, 'challenge', id) }
}

/** Validates a challenge. Never rejects: an error is recorded in the challenge. RFC 8555 section 7.1.6. */
async function validate({ directory, request, jwk }: AcmeRequest, of: Authorization, one: Challenge): Promise<void> {
  const { identifier } = of
  try {
    const { httpPort: port, addresses } = directory.options
    await validateHttp01({ identifier, token: one.token, jwk, clientAddress: request.clientAddress, port, addresses })
    one.status = 'valid'
    one.validated = new Date(directory.store.clock.now()).toISOString()
    of.status = 'valid'
  } catch (error) {
    const problem = error instanceof AcmeProblem ? error : new AcmeProblem('serverInternal', (error as Error).message)
    one.status = 'invalid'
    one.error = problem.document()
    of.status = 'invalid'
    directory.log.warn(
      { authority: directory.authority, name: identifier.value },
      `ACME validation failed: ${problem.message}`,
    )
  }
}
