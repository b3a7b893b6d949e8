import { sameSecret } from '../../../src/accounts/directory/secrets.ts'
import type { Credential, ProviderCall } from './types.ts'

type Request = Pick<ProviderCall, 'c'>

/** Returns a key that is one text; undefined if its form is wrong. */
export const keyOf = (key: string | undefined, form: RegExp): Credential | undefined =>
  key !== undefined && form.test(key) ? { shown: key, matches: (secret) => sameSecret(secret, key) } : undefined

/** Returns the key in `Authorization: Bearer`. RFC 6750 section 2.1. */
export const bearerOf = ({ c }: Request, form: RegExp): Credential | undefined =>
  keyOf(/^bearer\s+(\S+)$/i.exec(c.req.header('Authorization') ?? '')?.[1], form)

/** Returns the user name and the password of HTTP Basic authentication. RFC 7617. */
export function basicOf({ c }: Request): readonly [user: string, password: string] | undefined {
  const [, encoded] = /^basic\s+(\S+)$/i.exec(c.req.header('Authorization') ?? '') ?? []
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString('utf8')) ?? []
  return user === undefined || password === undefined ? undefined : [user, password]
}
