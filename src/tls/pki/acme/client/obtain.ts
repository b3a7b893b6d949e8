import type { CertificateStore } from '../../certificate-store/types.ts'
import { PkiError } from '../../errors.ts'
import type { Identifier } from '../identifier.ts'
import { type AcmeAuthority, type ChallengeType, challengeTypes } from './authority.ts'
import { type AcmeClient, accountKey, openClient, runInTurn } from './client.ts'
import { openResponder, type Responder } from './responders.ts'

type AcmeAuthorization = Awaited<ReturnType<AcmeClient['getAuthorizations']>>[number]
type OrderRequest = Parameters<AcmeClient['createOrder']>[0]

interface AcmeOrder {
  readonly identifiers: readonly Identifier[]
  /** The PKCS#10 request in PEM. */
  readonly requestPem: string
  /** Identifies the certificate that this one replaces. RFC 9773 section 5. */
  readonly replaces?: string | undefined
}

/** Returns the certificate and its chain in PEM, issued by an ACME authority. RFC 8555. @throws PkiError */
export const obtainByAcme = (store: CertificateStore, order: AcmeOrder, authority: AcmeAuthority): Promise<string> =>
  runInTurn(() => obtain(store, order, authority))

async function obtain(store: CertificateStore, order: AcmeOrder, authority: AcmeAuthority): Promise<string> {
  const { directoryUrl, email } = authority
  const client = await openClient(authority, await accountKey(store, directoryUrl))
  try {
    await client.createAccount({ termsOfServiceAgreed: true, ...(email ? { contact: [`mailto:${email}`] } : {}) })
    const placed = await placeOrder(client, order, authority)
    await using responders = new Responders(authority)
    for (const authorization of await client.getAuthorizations(placed)) {
      if (authorization.status !== 'valid') await prove(client, authorization, responders, authority)
    }
    return await client.getCertificate(await client.finalizeOrder(placed, order.requestPem))
  } catch (error) {
    if (error instanceof PkiError) throw error
    throw new PkiError('refused', `${directoryUrl}: ${(error as Error).message}`, { cause: error })
  }
}

async function placeOrder(client: AcmeClient, order: AcmeOrder, { profile }: AcmeAuthority) {
  const wanted = { identifiers: [...order.identifiers], ...(profile ? { profile } : {}) } as OrderRequest
  if (order.replaces === undefined) return client.createOrder(wanted)
  try {
    return await client.createOrder({ ...wanted, replaces: order.replaces } as OrderRequest)
  } catch {
    // The authority may not know the certificate, or it has been replaced already. RFC 9773 section 5
    return client.createOrder(wanted)
  }
}

/** Proves control of one name. @throws if the authority does not accept the proof */
async function prove(
  client: AcmeClient,
  authorization: AcmeAuthorization,
  responders: Responders,
  authority: AcmeAuthority,
): Promise<void> {
  const { value } = authorization.identifier
  const wildcard = (authorization as { readonly wildcard?: boolean }).wildcard === true
  const offered = authorization.challenges.map(({ type }) => type as string)
  const type = chooseChallenge(offered, wildcard, authority)
  const challenge = authorization.challenges.find((one) => (one.type as string) === type)
  if (type === undefined || challenge === undefined) {
    throw new PkiError(
      'refused',
      `${wildcard ? '*.' : ''}${value} can be validated by ${offered.join(', ')} only${authority.challenge ? `, not by ${authority.challenge}` : ''}`,
    )
  }
  authority.progress?.(`answering ${type} for ${wildcard ? '*.' : ''}${value}`)
  const responder = await responders.of(type)
  const identifier = { type: authorization.identifier.type as Identifier['type'], value }
  // For other types, acme-client returns a hash instead of the key authorization itself.
  const keyAuthorization = await client.getChallengeKeyAuthorization({ ...challenge, type: 'http-01' })
  const answer = { identifier, token: challenge.token, keyAuthorization }
  try {
    await responder.set(answer)
    await client.completeChallenge(challenge)
    await client.waitForValidStatus(challenge)
  } finally {
    await responder.clear(answer)
  }
}

function chooseChallenge(
  offered: readonly string[],
  wildcard: boolean,
  { challenge, dnsHook }: AcmeAuthority,
): ChallengeType | undefined {
  const canAnswer = (type: ChallengeType): boolean =>
    offered.includes(type) && (type !== 'dns-01' || dnsHook !== undefined)
  if (challenge !== undefined && !(wildcard && dnsHook !== undefined)) {
    return offered.includes(challenge) ? challenge : undefined
  }
  const preferred: readonly ChallengeType[] =
    wildcard || dnsHook !== undefined
      ? [...new Set<ChallengeType>(['dns-01', ...(wildcard ? [] : challengeTypes)])]
      : challengeTypes
  // Without a hook, dns-01 is chosen only to report what is missing.
  return preferred.find(canAnswer) ?? preferred.find((type) => offered.includes(type))
}

/** The responders of one order, opened when they are needed first. */
class Responders implements AsyncDisposable {
  readonly #authority: AcmeAuthority
  readonly #open = new Map<ChallengeType, Responder>()

  constructor(authority: AcmeAuthority) {
    this.#authority = authority
  }

  async of(type: ChallengeType): Promise<Responder> {
    const known = this.#open.get(type)
    if (known) return known
    const responder = await openResponder(type, this.#authority)
    this.#open.set(type, responder)
    return responder
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const responder of this.#open.values()) await responder[Symbol.asyncDispose]()
  }
}
