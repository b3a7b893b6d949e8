import type { AcmeHandler, AcmeRequest } from '../directory.ts'
import { json } from '../json.ts'
import { AcmeProblem } from '../problem.ts'
import type { Authorization, Challenge } from '../types.ts'
import { validateHttp01 } from '../validation.ts'
import { signer } from './account.ts'
import { challengeDocument } from './authorization.ts'

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
