import type { ServiceResponse } from '../../service/routes.ts'
import type { AcmeHandler, AcmeRequest } from '../directory.ts'
import { checkMac, checkSignature, jwkThumbprint, parseJson, parseJws, publicKeyOf, readJwk } from '../jws.ts'
import { AcmeProblem, json } from '../response.ts'
import type { Account } from '../types.ts'

/** RFC 8555 section 7.3. */
export const newAccount: AcmeHandler = {
  signedBy: 'key',
  async run(asked) {
    const { directory, request, payload, jwk } = asked
    const tell = (account: Account, status: number): ServiceResponse => {
      const location = directory.url(request, 'account', account.id)
      return json(accountDocument(asked, account), { status, headers: { location } })
    }
    const known = directory.accounts.findByKey(directory.id, jwk)
    if (known) return tell(known, 200)
    // RFC 8555 section 7.3.1
    if (payload.onlyReturnExisting === true) throw new AcmeProblem('accountDoesNotExist', 'no account has this key')
    publicKeyOf(jwk)
    const external = externalAccount(asked)
    const nowMs = directory.store.clock.now()
    const { account, made } = await directory.accounts.add(directory.id, jwk, contactsOf(payload), external, nowMs)
    if (made) directory.log.info({ authority: directory.authority, account: account.id }, 'an ACME client registered')
    return tell(account, made ? 201 : 200)
  },
}

/** The account elsewhere that this one is bound to. RFC 8555 section 7.3.4. */
function externalAccount({ directory, payload, jwk, request }: AcmeRequest): string | undefined {
  const { externalAccounts } = directory.options
  if (Object.keys(externalAccounts).length === 0) return undefined
  if (payload.externalAccountBinding === undefined) {
    throw new AcmeProblem(
      'externalAccountRequired',
      'an account here needs an external account binding (kid and MAC key)',
    )
  }
  const jws = parseJws(payload.externalAccountBinding)
  const { kid, url, nonce } = jws.header
  const key = kid !== undefined && Object.hasOwn(externalAccounts, kid) ? externalAccounts[kid] : undefined
  if (kid === undefined || key === undefined) throw new AcmeProblem('unauthorized', `no external account ${kid}`)
  if (nonce !== undefined || url !== `${request.origin}${request.path}`) {
    throw new AcmeProblem('malformed', 'the binding has a nonce, or another url than the request')
  }
  checkMac(jws, Buffer.from(key, 'base64url'))
  const bound = readJwk(parseJson(jws.payload, 'the binding'))
  if (jwkThumbprint(bound) !== jwkThumbprint(jwk)) throw new AcmeProblem('malformed', 'the binding is of another key')
  return kid
}

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

/** Another key for an account: a JWS by the old key around one by the new. RFC 8555 section 7.3.5. */
export const keyChange: AcmeHandler = {
  signedBy: 'account',
  async run(asked) {
    const { directory, request, payload, jws } = asked
    const own = signer(asked)
    const inner = parseJws(payload)
    if (inner.header.url !== jws.header.url) throw new AcmeProblem('malformed', 'the inner JWS has another url')
    const next = readJwk(inner.header.jwk)
    publicKeyOf(next)
    checkSignature(inner, next)
    const { account, oldKey } = parseJson(inner.payload, 'the inner payload')
    const sameAccount = account === directory.url(request, 'account', own.id)
    if (!sameAccount || jwkThumbprint(readJwk(oldKey)) !== jwkThumbprint(own.jwk))
      throw new AcmeProblem('malformed', 'account or oldKey is not that of the request')
    const holder = directory.accounts.findByKey(directory.id, next)
    if (holder) {
      const location = directory.url(request, 'account', holder.id)
      throw new AcmeProblem('malformed', `the key is that of ${location} already`, { status: 409 })
    }
    return json(accountDocument(asked, await directory.accounts.change(own.id, { jwk: next })))
  },
}

/** An account's orders. RFC 8555 section 7.1.2.1. */
export const orderList: AcmeHandler = {
  signedBy: 'account',
  run(asked) {
    const { directory, request, id } = asked
    if (signer(asked).id !== id) throw new AcmeProblem('unauthorized', 'the account is another one')
    return json({ orders: directory.orders.ofAccount(id).map((order) => directory.url(request, 'order', order.id)) })
  },
}
