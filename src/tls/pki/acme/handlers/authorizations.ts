import { delay } from '../../../../core/time/real-timers.ts'
import { type Authorization, authorizationStatus, type Challenge } from '../orders.ts'
import { AcmeProblem, json } from '../response.ts'
import { validate } from '../validation/validate.ts'
import { type AcmeHandler, type AcmeRequest, signer } from './handler.ts'

/** Returns or deactivates an authorization. RFC 8555 sections 7.5 and 7.5.2. */
export const authorization: AcmeHandler = {
  signedBy: 'account',
  async run(request) {
    const { directory, payload, id, asGet } = request
    const account = signer(request).id
    directory.orders.authorization(id, account)
    if (!asGet) {
      if (payload.status !== 'deactivated') {
        throw new AcmeProblem('malformed', 'the only status that an authorization can be set to is deactivated')
      }
      await directory.orders.changeAuthorization(id, (one) => ({ ...one, status: 'deactivated' }))
    }
    const found = directory.orders.authorization(id, account)
    for (const one of found.challenges) resume(request, found, one)
    const { identifier, wildcard, expires, challenges } = found
    const status = authorizationStatus(found, directory.store.clock.now())
    return json({
      identifier,
      ...(wildcard ? { wildcard } : {}),
      status,
      expires,
      challenges: challenges.map((one) => challengeDocument(request, one)),
    })
  },
}

/** Returns a challenge, or starts its validation. RFC 8555 section 7.5.1. */
export const challenge: AcmeHandler = {
  signedBy: 'account',
  async run(request) {
    const { directory, id, asGet } = request
    const account = signer(request).id
    const { authorization: before, challenge: asked } = directory.orders.challenge(id, account)
    const isPending = authorizationStatus(before, directory.store.clock.now()) === 'pending'
    if (!asGet && asked.status === 'pending' && isPending) {
      await directory.orders.changeAuthorization(before.id, (one) =>
        withChallenge(one, id, (own) => (own.status === 'pending' ? { ...own, status: 'processing' } : own)),
      )
    }
    const { authorization: of, challenge: one } = directory.orders.challenge(id, account)
    resume(request, of, one)
    const up = `<${directory.url(request.http, 'authorization', of.id)}>;rel="up"`
    return json(challengeDocument(request, one), { headers: { link: up } })
  },
}

/** Returns an authorization with a changed challenge. */
const withChallenge = (of: Authorization, id: string, change: (challenge: Challenge) => Challenge): Authorization => ({
  ...of,
  challenges: of.challenges.map((one) => (one.id === id ? change(one) : one)),
})

function challengeDocument(request: AcmeRequest, one: Challenge): object {
  const { directory } = request
  const { id, token, ...rest } = one
  // draft-ietf-acme-dns-persist-01: the record is the proof, so that the challenge has no token.
  const proof =
    one.type === 'dns-persist-01'
      ? { 'issuer-domain-names': directory.options.caaIdentities, accounturi: accountUrl(request) }
      : { token }
  return { ...rest, ...proof, url: directory.url(request.http, 'challenge', id) }
}

const accountUrl = (request: AcmeRequest): string => request.directory.url(request.http, 'account', signer(request).id)

/** Starts the validation of a challenge, also of one whose validation ended with an earlier process or another node. */
function resume(request: AcmeRequest, of: Authorization, one: Challenge): void {
  if (one.status !== 'processing') return
  const { directory } = request
  const delayMs = directory.strictness.validationDelayMs()
  directory.orders
    .alone(one.id, () => validateChallenge(request, of.id, one.id, delayMs), delayMs)
    .catch((err: Error) => {
      directory.log.error({ err, authority: directory.authority }, 'an ACME authorization could not be kept')
    })
}

/** Validates a challenge. An error is recorded in the challenge. RFC 8555 section 7.1.6. */
async function validateChallenge(
  request: AcmeRequest,
  authorizationId: string,
  id: string,
  delayMs: number,
): Promise<void> {
  const { directory, http, jwk } = request
  const { orders, store, options, log, authority } = directory
  // Another node may have just finished.
  await orders.load(store.clock.now())
  const { authorization: of, challenge: one } = orders.challengeOf(authorizationId, id) ?? {}
  if (!of || one?.status !== 'processing') return
  const { identifier, wildcard = false } = of
  const { type, token } = one
  let outcome: Pick<Challenge, 'validated' | 'error'> & { readonly status: 'valid' | 'invalid' }
  try {
    await delay(delayMs, undefined, { ref: false })
    const { clientAddress } = http
    const signer = { jwk, accountUrl: accountUrl(request), clientAddress }
    await validate({ type, identifier, wildcard, token, ...signer, nowMs: store.clock.now() }, options)
    outcome = { status: 'valid', validated: new Date(store.clock.now()).toISOString() }
  } catch (error) {
    const problem = error instanceof AcmeProblem ? error : new AcmeProblem('serverInternal', (error as Error).message)
    outcome = { status: 'invalid', error: problem.document() }
    log.warn({ authority, name: identifier.value }, `ACME validation failed: ${problem.message}`)
  }
  await orders.changeAuthorization(of.id, (now) => ({
    ...withChallenge(now, id, (own) => ({ ...own, ...outcome })),
    // Another challenge may have been completed, or the client deactivated it. RFC 8555 section 7.1.6
    status: now.status === 'pending' ? outcome.status : now.status,
  }))
}
