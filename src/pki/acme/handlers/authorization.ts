import type { AcmeHandler, AcmeRequest } from '../directory.ts'
import { json } from '../json.ts'
import { AcmeProblem } from '../problem.ts'
import type { Authorization, Challenge } from '../types.ts'
import { signer } from './account.ts'

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
