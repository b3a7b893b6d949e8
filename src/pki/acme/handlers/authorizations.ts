import { setTimeout as delay } from 'node:timers/promises'
import type { Authorization, Challenge } from '../orders.ts'
import { AcmeProblem, json } from '../response.ts'
import { validate } from '../validation/validate.ts'
import { type AcmeHandler, type AcmeRequest, signer } from './handler.ts'

/** Returns or deactivates an authorization. RFC 8555 sections 7.5 and 7.5.2. */
export const authorization: AcmeHandler = {
  signedBy: 'account',
  async run(request) {
    const { directory, payload, id, asGet } = request
    const found = directory.orders.authorization(id, signer(request).id)
    if (!asGet) {
      if (payload.status !== 'deactivated') {
        throw new AcmeProblem('malformed', 'the only status that an authorization can be set to is deactivated')
      }
      found.status = 'deactivated'
      await directory.orders.saveAuthorization(found)
    }
    for (const one of found.challenges) resume(request, found, one)
    const { identifier, wildcard, status, expires, challenges } = found
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
    const { authorization: of, challenge: one } = directory.orders.challenge(id, signer(request).id)
    if (!asGet && one.status === 'pending' && of.status === 'pending') {
      one.status = 'processing'
      await directory.orders.saveAuthorization(of)
    }
    resume(request, of, one)
    const up = `<${directory.url(request.request, 'authorization', of.id)}>;rel="up"`
    return json(challengeDocument(request, one), { headers: { link: up } })
  },
}

function challengeDocument({ directory, request }: AcmeRequest, one: Challenge): object {
  const { id, ...rest } = one
  return { ...rest, url: directory.url(request, 'challenge', id) }
}

/** Challenges that this process is validating. */
const underway = new WeakSet<Challenge>()

/** Starts the validation of a challenge, also of one whose validation ended with an earlier process. */
function resume(request: AcmeRequest, of: Authorization, one: Challenge): void {
  if (one.status !== 'processing' || underway.has(one)) return
  underway.add(one)
  void validateChallenge(request, of, one)
}

/** Validates a challenge. Never rejects: an error is recorded in the challenge. RFC 8555 section 7.1.6. */
async function validateChallenge(
  { directory, request, jwk }: AcmeRequest,
  of: Authorization,
  one: Challenge,
): Promise<void> {
  const { identifier } = of
  const { type, token } = one
  try {
    await delay(directory.strictness.validationDelayMs(), undefined, { ref: false })
    await validate({ type, identifier, token, jwk, clientAddress: request.clientAddress }, directory.options)
    one.validated = new Date(directory.store.clock.now()).toISOString()
    one.status = 'valid'
    if (of.status === 'pending') of.status = 'valid'
  } catch (error) {
    const problem = error instanceof AcmeProblem ? error : new AcmeProblem('serverInternal', (error as Error).message)
    one.error = problem.document()
    one.status = 'invalid'
    of.status = 'invalid'
    directory.log.warn(
      { authority: directory.authority, name: identifier.value },
      `ACME validation failed: ${problem.message}`,
    )
  }
  await directory.orders.saveAuthorization(of).catch((err: Error) => {
    directory.log.error({ err, authority: directory.authority }, 'an ACME authorization could not be kept')
  })
}
