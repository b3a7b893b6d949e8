import { createPublicKey, type KeyObject, randomBytes } from 'node:crypto'
import { generateKey } from '../keys.ts'
import { certificatePem } from '../x509/certificate.ts'
import { createAuthorityCertificate } from '../x509/profiles.ts'
import type { CertificateStore } from './certificate-store.ts'
import { type Draft, slug } from './draft.ts'

/** The names of two labs' roots differ, so that a client that trusts one says clearly that it does not know the other. */
const rootName = (): string => `Sealpost Lab Root CA ${randomBytes(3).toString('hex').toUpperCase()}`

function addRoot(draft: Draft, key: KeyObject, nowMs: number): void {
  const name = rootName()
  const subject = [
    { type: 'O', value: 'Sealpost' },
    { type: 'CN', value: name },
  ]
  const certificate = createAuthorityCertificate(
    { subject, publicKey: createPublicKey(key), nowMs },
    { key, certificate: 'self' },
  )
  const folder = `authorities/${slug(name)}`
  draft.index.authorities.push({
    name,
    role: 'root',
    type: 'enterprise',
    key: draft.putKey(name, key),
    certificate: draft.put(`${folder}/authority.pem`, certificatePem(certificate)),
    createdAt: new Date(nowMs).toISOString(),
    crlNumber: 0,
    issued: [],
    queue: [],
  })
  draft.index.defaultAuthority = name
}

/** Makes the lab's root authority where the store has no authority to issue for `auto`. */
export async function ensureRoot(store: CertificateStore): Promise<void> {
  if (store.index.defaultAuthority !== undefined) return
  const key = await generateKey(store.key)
  const made = await store.update((draft) => {
    if (draft.index.defaultAuthority !== undefined) return false
    addRoot(draft, key, store.clock.now())
    return true
  })
  if (made)
    store.log.info({ authority: store.index.defaultAuthority }, `made the lab's root authority in ${store.place}`)
}
