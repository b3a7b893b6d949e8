import { Agent } from 'node:https'
import { rootCertificates } from 'node:tls'
import { installCommand } from '../../../common/folders.ts'
import type { CertificateStore } from '../../certificate-store/types.ts'
import { PkiError } from '../../errors.ts'
import { generateKey, privateKeyPem } from '../../keys.ts'
import type { Identifier } from '../identifier.ts'
import { type AcmeAuthority, type ChallengeType, challengeTypes } from './authority.ts'
import { openResponder, type Responder } from './responders.ts'

type AcmeModule = typeof import('acme-client')
type AcmeClient = InstanceType<AcmeModule['Client']>
type AcmeAuthorization = Awaited<ReturnType<AcmeClient['getAuthorizations']>>[number]
type OrderRequest = Parameters<AcmeClient['createOrder']>[0]

export interface AcmeOrder {
  readonly identifiers: readonly Identifier[]
  /** The PKCS#10 request in PEM. */
  readonly requestPem: string
  /** Identifies the certificate that this one replaces. RFC 9773 section 5. */
  readonly replaces?: string | undefined
}

/** The end of the last order: acme-client keeps the root of the directory for the whole process. */
let lastOrder: Promise<unknown> = Promise.resolve()

/** Returns the certificate and its chain in PEM, issued by an ACME authority. RFC 8555. @throws PkiError */
export function obtainByAcme(store: CertificateStore, order: AcmeOrder, authority: AcmeAuthority): Promise<string> {
  const next = lastOrder.then(() => obtain(store, order, authority))
  lastOrder = next.catch(() => {})
  return next
}

async function obtain(store: CertificateStore, order: AcmeOrder, authority: AcmeAuthority): Promise<string> {
  const acme = await load()
  const { directoryUrl, ca, email, externalAccount } = authority
  // Reports an unreachable directory at once. By default the client retries for half a minute.
  Object.assign(acme.axios.defaults, { acmeSettings: { retryMaxAttempts: 1, retryDefaultDelay: 1 } })
  acme.axios.defaults.httpsAgent = ca ? new Agent({ ca: [...rootCertificates, ca] }) : undefined
  const client = new acme.Client({
    directoryUrl,
    accountKey: await accountKey(store, directoryUrl),
    backoffAttempts: 40,
    backoffMin: 200,
    backoffMax: 5000,
    ...(externalAccount ? { externalAccountBinding: { kid: externalAccount.kid, hmacKey: externalAccount.key } } : {}),
  })
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

async function load(): Promise<AcmeModule> {
  try {
    const loaded = await import('acme-client')
    return loaded.default ?? loaded
  } catch (cause) {
    throw new PkiError('refused', `ACME needs the package acme-client; run: ${installCommand('acme-client')}`, {
      cause,
    })
  }
}

/** Returns the key of the lab's account at a directory. It is stored, so that the account stays the same. */
async function accountKey(store: CertificateStore, directoryUrl: string): Promise<string> {
  const known = store.index.acmeKeys?.find(({ directory }) => directory === directoryUrl)
  if (known) return store.materials.read(known.key)
  const made = await generateKey('p256')
  return store.update((draft) => {
    const key = draft.putKey('acme-account', made)
    draft.index.acmeKeys = [...(draft.index.acmeKeys ?? []), { directory: directoryUrl, key }]
    return privateKeyPem(made)
  })
}
