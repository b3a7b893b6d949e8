import type { IssuedChain } from '../../authority/issue.ts'
import { queuedAnswer, submitRequest } from '../../authority/queue.ts'
import { certificatePem } from '../../certificate/certificate.ts'
import { checkedName, formatGeneralName, type GeneralName } from '../../certificate/names.ts'
import { DAY_MS } from '../../certificate/profiles.ts'
import { type ReadRequest, readRequest } from '../../certificate/request.ts'
import { PkiError } from '../../errors.ts'
import { describeKey } from '../../keys.ts'
import { type Identifier, identifierOf } from '../identifier.ts'
import { jwkThumbprint } from '../jws.ts'
import type { AcmeOptions, AcmeProfile } from '../options.ts'
import type { Order, OrderStatus } from '../orders.ts'
import { AcmeProblem, json } from '../response.ts'
import { checkIdentifier } from '../validation/validate.ts'
import { type AcmeDirectory, type AcmeHandler, type AcmeRequest, signer } from './handler.ts'
import { checkReplaces } from './renewal-info.ts'

const MAX_IDENTIFIERS = 100
/** The shortest RSA key of public certificates: CA/Browser Forum Baseline Requirements section 6.1.5. */
const MIN_RSA_BITS = 2048

/** Creates an order. RFC 8555 section 7.4; `replaces` by RFC 9773 section 5. */
export const newOrder: AcmeHandler = {
  signedBy: 'account',
  async run(request) {
    const { directory, payload } = request
    const { replaces, notBefore, notAfter, profile } = payload
    const identifiers = readIdentifiers(payload.identifiers, directory.options)
    if (notBefore !== undefined || notAfter !== undefined) {
      throw new AcmeProblem('malformed', 'notBefore and notAfter cannot be requested here')
    }
    if (replaces !== undefined && typeof replaces !== 'string') {
      throw new AcmeProblem('malformed', 'replaces is not a string')
    }
    const account = signer(request).id
    if (replaces !== undefined) await checkReplaces(directory, account, replaces, identifiers)
    const wanted = {
      account,
      identifiers,
      ...(replaces === undefined ? {} : { replaces }),
      ...(profile === undefined ? {} : { profile: readProfile(profile, directory.options) }),
    }
    const created = await directory.orders.create(wanted, directory.store.clock.now())
    const status = directory.orders.status(created, directory.store.clock.now())
    return json(orderDocument(request, created, status), {
      status: 201,
      headers: { location: directory.url(request.http, 'order', created.id) },
    })
  },
}

/** Returns the name of a profile of the directory. draft-aaron-acme-profiles section 4. @throws AcmeProblem `invalidProfile` */
function readProfile(profile: unknown, { profiles = {} }: AcmeOptions): string {
  if (typeof profile === 'string' && Object.hasOwn(profiles, profile)) return profile
  const known = Object.keys(profiles).join(', ') || 'none'
  throw new AcmeProblem('invalidProfile', `no profile ${JSON.stringify(profile)}; there are: ${known}`)
}

function readIdentifiers(identifiers: unknown, options: AcmeOptions): Identifier[] {
  if (!Array.isArray(identifiers) || identifiers.length === 0 || identifiers.length > MAX_IDENTIFIERS) {
    throw new AcmeProblem('malformed', `identifiers is not a list of 1 to ${MAX_IDENTIFIERS} names`)
  }
  const names = identifiers.map((one: unknown) => {
    const { type, value } = (one ?? {}) as Record<string, unknown>
    if (typeof type !== 'string' || typeof value !== 'string') {
      throw new AcmeProblem('malformed', 'an identifier must have type and value')
    }
    const identifier = { type, value: type === 'dns' ? value.toLowerCase() : value } as Identifier
    checkIdentifier(identifier, options)
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
    const account = signer(request).id
    const asked = directory.orders.order(id, account)
    let isElsewhere = false
    if (action === 'finalize') isElsewhere = !(await finalize(request, asked))
    else if (action !== undefined) throw new AcmeProblem('malformed', 'no such resource', { status: 404 })
    await updateQueued(request, directory.orders.order(id, account))
    const found = directory.orders.order(id, account)
    const status = isElsewhere ? 'processing' : directory.orders.status(found, directory.store.clock.now())
    const location = directory.url(request.http, 'order', found.id)
    return json(orderDocument(request, found, status), {
      headers: { location, ...(status === 'processing' ? { 'retry-after': '3' } : {}) },
    })
  },
}

function orderDocument({ directory, http }: AcmeRequest, one: Order, status: OrderStatus): object {
  const { id, identifiers, authorizations, expires, replaces, profile, error, outcome } = one
  return {
    status,
    expires,
    identifiers,
    authorizations: authorizations.map((authorizationId) => directory.url(http, 'authorization', authorizationId)),
    finalize: directory.url(http, 'order', id, 'finalize'),
    ...(replaces === undefined ? {} : { replaces }),
    ...(profile === undefined ? {} : { profile }),
    ...(error ? { error } : {}),
    ...(outcome?.kind === 'issued' ? { certificate: directory.url(http, 'certificate', id) } : {}),
  }
}

/** Signs the request of an order, if it is ready. Returns false if a node is doing it. @throws AcmeProblem */
async function finalize({ directory, payload, jwk }: AcmeRequest, one: Order): Promise<boolean> {
  const { orders, store } = directory
  const status = orders.status(one, store.clock.now())
  if (status === 'valid' || status === 'processing') return true
  if (status !== 'ready') throw new AcmeProblem('orderNotReady', `the order is ${status}`)
  if (typeof payload.csr !== 'string') throw new AcmeProblem('malformed', 'finalize needs csr, DER in base64url')
  const csr = Buffer.from(payload.csr, 'base64url')
  const request = checkCsr(csr, one.identifiers, jwkThumbprint(jwk))
  checkKeySize(request, profileOf(directory.options, one))
  return orders.finalizing(one.id, async () => {
    // Another node may have just finished.
    await orders.load(store.clock.now())
    if (orders.order(one.id, one.account).outcome) return
    const outcome = await sign(directory, csr, one)
    await orders.changeOrder(one.id, (now) => ({ ...now, outcome }))
  })
}

async function sign(
  { store, authority, options }: AcmeDirectory,
  csr: Buffer,
  one: Order,
): Promise<NonNullable<Order['outcome']>> {
  const lifetimeMs = profileOf(options, one)?.lifetimeMs
  try {
    const answer = await submitRequest(store, csr, authority, {
      server: true,
      ...(lifetimeMs === undefined ? {} : { days: lifetimeMs / DAY_MS }),
    })
    return answer.state === 'issued'
      ? { kind: 'issued', pem: pemOf(answer.chain) }
      : { kind: 'queued', request: answer.id }
  } catch (error) {
    if (error instanceof PkiError && error.code !== 'store') throw new AcmeProblem('badCSR', error.message)
    throw error
  }
}

/** Checks whether a standalone authority has approved or denied the request of an order. */
async function updateQueued({ directory }: AcmeRequest, one: Order): Promise<void> {
  if (one.outcome?.kind !== 'queued') return
  const { state, chain } = await queuedAnswer(directory.store, directory.authority, one.outcome.request)
  if (state === 'pending') return
  const outcome = chain && { kind: 'issued' as const, pem: pemOf(chain) }
  const error = new AcmeProblem('unauthorized', 'the authority denied the request').document()
  await directory.orders.changeOrder(one.id, (now) => ({
    ...now,
    ...(outcome && { outcome }),
    ...(state === 'denied' && { error }),
  }))
}

/** Returns the profile of an order; undefined without one, and if the configuration no longer has it. */
const profileOf = ({ profiles }: AcmeOptions, { profile = '' }: Order): AcmeProfile | undefined => profiles?.[profile]

/** Checks that an RSA key is as long as the profile wants. @throws AcmeProblem `badCSR` */
function checkKeySize({ publicKey }: ReadRequest, { minRsaBits = MIN_RSA_BITS }: Partial<AcmeProfile> = {}): void {
  const { family, bits } = describeKey(publicKey)
  if (family !== 'rsa' || bits >= minRsaBits) return
  throw new AcmeProblem('badCSR', `an RSA key of ${bits} bits is too short; this certificate needs ${minRsaBits}`)
}

/**
 * Checks that a request is for exactly the names of the order, and not for the account's key. RFC 8555 sections 7.4 and
 * 11.1. Returns the parsed request. @throws AcmeProblem `badCSR`
 */
function checkCsr(csr: Buffer, identifiers: readonly Identifier[], accountThumbprint: string): ReadRequest {
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
  const commonNames = request.subject.filter(({ type }) => type === 'CN').map(({ value }) => identifierOf(value))
  const requested = new Set([...request.names, ...commonNames].map(comparedName))
  const ordered = new Set(identifiers.map(comparedName))
  if (requested.size !== ordered.size || ![...requested].every((name) => ordered.has(name))) {
    throw new AcmeProblem(
      'badCSR',
      `the request is for ${[...requested].join(', ')}, the order for ${[...ordered].join(', ')}`,
    )
  }
  return request
}

/** Returns a name with its type, in the form in which certificates contain it. @throws AcmeProblem `badCSR` */
function comparedName(name: GeneralName): string {
  try {
    return formatGeneralName(checkedName(name)).toLowerCase()
  } catch (error) {
    if (error instanceof PkiError) throw new AcmeProblem('badCSR', error.message)
    throw error
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
