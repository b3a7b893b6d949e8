import type { KeySpec } from '../keys.ts'
import type { Audience } from '../types.ts'
import type { HashName } from '../x509/signature.ts'

/** What `certificate: auto` is, and who issues it, for the clients of a time. */
interface Wish {
  /** Where the store keeps the name of the authority. */
  readonly authority: 'defaultAuthority' | 'oldClientAuthority'
  readonly rootTitle: string
  readonly titleSuffix: string
  /** Absent: the key that the configuration names. */
  readonly key?: KeySpec
  /** Absent: what fits the key. */
  readonly hash?: HashName
}

/** Windows before XP SP3 knows neither SHA-2 nor elliptic curves, not even in the root: it gets a root of its own. */
export const audiences: Record<Audience, Wish> = {
  modern: { authority: 'defaultAuthority', rootTitle: 'Sealpost Lab Root CA', titleSuffix: 'issued by the lab' },
  old: {
    authority: 'oldClientAuthority',
    rootTitle: 'Sealpost Lab Root CA for old clients',
    titleSuffix: 'issued by the lab for old clients',
    key: 'rsa-2048',
    hash: 'sha1',
  },
}
