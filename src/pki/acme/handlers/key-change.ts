import type { AcmeHandler } from '../directory.ts'
import { json } from '../json.ts'
import { jwkThumbprint, publicKeyOf, readJwk } from '../jwk.ts'
import { checkSignature, parseJson, parseJws } from '../jws.ts'
import { AcmeProblem } from '../problem.ts'
import { accountDocument, signer } from './account.ts'

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
