import type { ServiceResponse } from '../../service/routes.ts'
import type { AcmeHandler, AcmeRequest } from '../directory.ts'
import { json } from '../json.ts'
import { jwkThumbprint, publicKeyOf, readJwk } from '../jwk.ts'
import { checkMac, parseJson, parseJws } from '../jws.ts'
import { AcmeProblem } from '../problem.ts'
import type { Account } from '../types.ts'
import { accountDocument, contactsOf } from './account.ts'

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
