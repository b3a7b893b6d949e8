import type { ServiceResponse } from '../../service/routes.ts'
import type { AcmeAccount } from '../accounts.ts'
import { checkMac, checkSignature, jwkThumbprint, parseJson, parseJws, publicKeyOf, readJwk } from '../jws.ts'
import { AcmeProblem, json } from '../response.ts'
import { type AcmeHandler, type AcmeRequest, signer } from './handler.ts'

/** Creates an account, or returns the one that has this key. RFC 8555 section 7.3. */
export const newAccount: AcmeHandler = {
  signedBy: 'key',
  async run(request) {
    const { directory, payload, jwk } = request
    const respond = (account: AcmeAccount, status: number): ServiceResponse => {
      const location = directory.url(request.http, 'account', account.id)
      return json(accountDocument(request, account), { status, headers: { location } })
    }
    const known = directory.accounts.findByKey(directory.id, jwk)
    if (known) return respond(known, 200)
    // RFC 8555 section 7.3.1
    if (payload.onlyReturnExisting === true) throw new AcmeProblem('accountDoesNotExist', 'no account has this key')
    publicKeyOf(jwk)
    const external = externalAccount(request)
    const nowMs = directory.store.clock.now()
    const { account, made } = await directory.accounts.add(directory.id, jwk, contactsOf(payload), external, nowMs)
    if (made) directory.log.info({ authority: directory.authority, account: account.id }, 'ACME account created')
    return respond(account, made ? 201 : 200)
  },
}

/** Returns the kid of the external account that this one is bound to. RFC 8555 section 7.3.4. @throws AcmeProblem */
function externalAccount({ directory, payload, jwk, http }: AcmeRequest): string | undefined {
  const { externalAccounts } = directory.options
  if (Object.keys(externalAccounts).length === 0) return undefined
  if (payload.externalAccountBinding === undefined) {
    throw new AcmeProblem('externalAccountRequired', 'accounts here need an external account binding (kid and MAC key)')
  }
  const jws = parseJws(payload.externalAccountBinding)
  const { kid, url, nonce } = jws.header
  const key = kid !== undefined && Object.hasOwn(externalAccounts, kid) ? externalAccounts[kid] : undefined
  if (kid === undefined || key === undefined) throw new AcmeProblem('unauthorized', `no external account ${kid}`)
  if (nonce !== undefined || url !== `${http.origin}${http.path}`) {
    throw new AcmeProblem('malformed', 'the binding has a nonce, or a different url than the request')
  }
  checkMac(jws, Buffer.from(key, 'base64url'))
  const bound = readJwk(parseJson(jws.payload, 'the binding'))
  if (jwkThumbprint(bound) !== jwkThumbprint(jwk)) throw new AcmeProblem('malformed', 'the binding is for another key')
  return kid
}

/** Returns, changes or deactivates an account. RFC 8555 sections 7.3.2 and 7.3.6. */
export const account: AcmeHandler = {
  signedBy: 'account',
  async run(request) {
    const { directory, payload } = request
    const own = ownAccount(request)
    const { status } = payload
    if (status !== undefined && status !== 'deactivated') {
      throw new AcmeProblem('malformed', 'the only status that an account can be set to is deactivated')
    }
    const change = {
      ...(payload.contact === undefined ? {} : { contact: contactsOf(payload) }),
      ...(status === 'deactivated' ? { status: 'deactivated' as const } : {}),
    }
    const changed = Object.keys(change).length === 0 ? own : await directory.accounts.change(own.id, change)
    return json(accountDocument(request, changed))
  },
}

/** Replaces the key of an account: a JWS signed by the old key around one signed by the new key. RFC 8555 section 7.3.5. */
export const keyChange: AcmeHandler = {
  signedBy: 'account',
  async run(request) {
    const { directory, payload, jws } = request
    const own = signer(request)
    const inner = parseJws(payload)
    if (inner.header.nonce !== undefined) throw new AcmeProblem('malformed', 'the inner JWS has a nonce')
    if (inner.header.url !== jws.header.url) throw new AcmeProblem('malformed', 'the inner JWS has a different url')
    const next = readJwk(inner.header.jwk)
    publicKeyOf(next)
    checkSignature(inner, next)
    const { account: accountUrl, oldKey } = parseJson(inner.payload, 'the inner payload')
    const sameAccount = accountUrl === directory.url(request.http, 'account', own.id)
    if (!sameAccount || jwkThumbprint(readJwk(oldKey)) !== jwkThumbprint(own.jwk)) {
      throw new AcmeProblem('malformed', 'account or oldKey does not match the request')
    }
    const holder = directory.accounts.findByKey(directory.id, next)
    if (holder) {
      const location = directory.url(request.http, 'account', holder.id)
      throw new AcmeProblem('malformed', `the key already belongs to ${location}`, { status: 409 })
    }
    return json(accountDocument(request, await directory.accounts.change(own.id, { jwk: next })))
  },
}

/** Lists the orders of an account. RFC 8555 section 7.1.2.1. */
export const orderList: AcmeHandler = {
  signedBy: 'account',
  run(request) {
    const { directory } = request
    const orders = directory.orders.ofAccount(ownAccount(request).id)
    return json({ orders: orders.map((order) => directory.url(request.http, 'order', order.id)) })
  },
}

/** Returns the account that signed. @throws AcmeProblem `unauthorized` if the path names another account */
function ownAccount(request: AcmeRequest): AcmeAccount {
  const own = signer(request)
  if (own.id !== request.id) throw new AcmeProblem('unauthorized', 'the request is signed by another account')
  return own
}

const accountDocument = (
  { directory, http }: AcmeRequest,
  { id, status, contact, createdAt }: AcmeAccount,
): object => ({
  status,
  contact,
  createdAt,
  orders: directory.url(http, 'orders', id),
})

/** Returns the `mailto:` addresses of a request. @throws AcmeProblem `malformed`, `unsupportedContact`, `invalidContact` */
function contactsOf({ contact = [] }: Readonly<Record<string, unknown>>): string[] {
  if (!Array.isArray(contact)) throw new AcmeProblem('malformed', 'contact is not a list')
  return contact.map((one: unknown) => {
    if (typeof one !== 'string' || !one.startsWith('mailto:')) {
      throw new AcmeProblem('unsupportedContact', 'contacts must be mailto: addresses')
    }
    // One address, without header fields. RFC 8555 section 7.3
    if (!/^mailto:[^\s,?@]+@[^\s,?@]+$/.test(one)) {
      throw new AcmeProblem('invalidContact', `${one} is not a single address`)
    }
    return one
  })
}
