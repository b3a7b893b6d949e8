import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { generateKey } from '../keys.ts'
import type { Audience } from '../types.ts'
import { certificatePem } from '../x509/certificate.ts'
import { createAuthorityCertificate } from '../x509/profiles.ts'
import { audiences } from './audience.ts'
import { type Draft, slug } from './draft.ts'
import type { CertificateStore } from './store.ts'

/** The names of two labs' roots differ, so that a client that trusts one says clearly that it does not know the other. */
const rootName = (title: string): string => `${title} ${randomBytes(3).toString('hex').toUpperCase()}`

function addRoot(draft: Draft, audience: Audience, key: KeyObject, nowMs: number): void {
  const { rootTitle, hash: wished, authority } = audiences[audience]
  const name = rootName(rootTitle)
  const hash = wished ? { hash: wished } : {}
  const subject = [
    { type: 'O', value: 'Sealpost' },
    { type: 'CN', value: name },
  ]
  const certificate = createAuthorityCertificate(
    { subject, publicKey: createPublicKey(key), nowMs },
    { key, certificate: 'self', ...hash },
  )
  const folder = `authorities/${slug(name)}`
  draft.index.authorities.push({
    name,
    role: 'root',
    type: 'enterprise',
    key: draft.putKey(name, key),
    certificate: draft.put(`${folder}/authority.pem`, certificatePem(certificate)),
    createdAt: new Date(nowMs).toISOString(),
    ...hash,
    issued: [],
    queue: [],
  })
  draft.index[authority] = name
}

/** Makes the lab's root authority where the store has no authority to issue for `auto`. */
export async function ensureRoot(store: CertificateStore, audience: Audience = 'modern'): Promise<void> {
  const { authority, key: wished } = audiences[audience]
  if (store.index[authority] !== undefined) return
  const key = await generateKey(wished ?? store.key)
  const made = await store.update((draft) => {
    if (draft.index[authority] !== undefined) return false
    addRoot(draft, audience, key, store.clock.now())
    return true
  })
  if (made) store.log.info({ authority: store.index[authority] }, `made a root authority of the lab in ${store.place}`)
}
