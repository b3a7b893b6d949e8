import type { AcmeHandler, AcmeRequest } from '../directory.ts'
import { json } from '../json.ts'
import { AcmeProblem } from '../problem.ts'
import type { Account } from '../types.ts'

/** Reads, changes or deactivates an account. RFC 8555 sections 7.3.2 and 7.3.6. */
export const account: AcmeHandler = {
  signedBy: 'account',
  async run(asked) {
    const { directory, payload, id } = asked
    const own = signer(asked)
    if (own.id !== id) throw new AcmeProblem('unauthorized', 'the account is another one')
    const { status } = payload
    if (status !== undefined && status !== 'deactivated') {
      throw new AcmeProblem('malformed', 'an account can only be made deactivated')
    }
    const change = {
      ...(payload.contact === undefined ? {} : { contact: contactsOf(payload) }),
      ...(status === 'deactivated' ? { status: 'deactivated' as const } : {}),
    }
    const changed = Object.keys(change).length === 0 ? own : await directory.accounts.change(own.id, change)
    return json(accountDocument(asked, changed))
  },
}

/** The account that signed. */
export function signer({ account: own }: AcmeRequest): Account {
  if (!own) throw new AcmeProblem('unauthorized', 'no account signed this')
  return own
}

export const accountDocument = (
  { directory, request }: AcmeRequest,
  { id, status, contact, createdAt }: Account,
): object => ({
  status,
  contact,
  createdAt,
  orders: directory.url(request, 'orders', id),
})

/** @throws AcmeProblem `malformed`, `unsupportedContact`, `invalidContact` */
export function contactsOf({ contact = [] }: Readonly<Record<string, unknown>>): string[] {
  if (!Array.isArray(contact)) throw new AcmeProblem('malformed', 'contact is no list')
  return contact.map((one: unknown) => {
    if (typeof one !== 'string' || !one.startsWith('mailto:')) {
      throw new AcmeProblem('unsupportedContact', 'contacts are mailto: addresses')
    }
    // One address, no header fields. RFC 8555 section 7.3
    if (!/^mailto:[^\s,?@]+@[^\s,?@]+$/.test(one))
      throw new AcmeProblem('invalidContact', `${one} is no single address`)
    return one
  })
}
