import { createPublicKey } from 'node:crypto'
import { issueFrom, openAuthority } from '../certificate-store/issue.ts'
import type { CertificateStore } from '../certificate-store/store.ts'
import { PkiError } from '../errors.ts'
import { generateKey, type KeySpec } from '../keys.ts'
import { type SubjectFields, subjectName } from '../lifecycle/subject.ts'
import { type GeneralName, generalName } from '../x509/general-names.ts'
import type { IssuedChain } from './sign.ts'
import { serviceUrls } from './urls.ts'

export interface UserOptions {
  /** The person's name. */
  readonly commonName: string
  readonly emails?: readonly string[]
  /** User principal name: the log-on name, as alice@lab.test. */
  readonly principalName?: string
  readonly subject?: Omit<SubjectFields, 'commonName'>
  readonly authority?: string
  readonly key?: KeySpec
  readonly days?: number
}

export interface IssuedUser {
  readonly chain: IssuedChain
  /** PKCS#12 with key and chain, under a password. The key is kept nowhere else. */
  pkcs12(password: string, legacy?: boolean): Buffer
}

/** Issues a user's certificate for log-on (client authentication) and S/MIME. @throws PkiError */
export async function issueUser(store: CertificateStore, options: UserOptions): Promise<IssuedUser> {
  const names: GeneralName[] = [
    ...(options.emails ?? []).map((value) => generalName(`email:${value}`)),
    ...(options.principalName ? [{ type: 'upn', value: options.principalName } as const] : []),
  ]
  if (names.length === 0) throw new PkiError('refused', 'a user’s certificate needs a mail address or a principal name')
  const { writePkcs12 } = await import('../pkcs12/write.ts')
  const key = await generateKey(options.key ?? store.key)
  const chain = await store.update(async (draft): Promise<IssuedChain> => {
    const authority = await openAuthority(draft, store.materials, options.authority)
    const urls = serviceUrls(store.serviceUrl, authority.record.name)
    const certificate = issueFrom(draft, authority, {
      subject: subjectName({ ...options.subject, commonName: options.commonName }),
      publicKey: createPublicKey(key),
      names,
      purposes: ['clientAuth', 'emailProtection'],
      nowMs: store.clock.now(),
      ...(options.days ? { days: options.days } : {}),
      ...(urls ? { urls } : {}),
    })
    return [certificate, ...authority.chain]
  })
  const pkcs12 = (password: string, legacy = false): Buffer =>
    writePkcs12({ friendlyName: options.commonName, key, certificates: chain, password, legacy })
  return { chain, pkcs12 }
}
