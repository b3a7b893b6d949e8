import type { AcmeHandler } from '../directory.ts'
import { json } from '../json.ts'
import { AcmeProblem } from '../problem.ts'
import type { Identifier } from '../types.ts'
import { checkIdentifier } from '../validation.ts'
import { signer } from './account.ts'
import { orderDocument } from './order.ts'

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
