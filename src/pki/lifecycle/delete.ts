import type { CertificateRecord } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import { type LifecycleContext, usersOf } from './context.ts'

/** Deletes a certificate and its key from the store. @throws PkiError `refused` while a virtual server wears it */
export async function deleteCertificate(context: LifecycleContext, name: string): Promise<CertificateRecord> {
  const { store } = context
  await store.refresh()
  const record = store.find(name)
  const users = usersOf(context, record.thumbprint)
  if (users.length > 0) {
    const list = users.map((user) => `"${user}"`).join(', ')
    throw new PkiError('refused', `"${record.friendlyName}" is in use by ${list}: remove or replace it there first`)
  }
  return store.update((draft) => {
    const { index } = draft
    index.certificates = index.certificates.filter(({ thumbprint }) => thumbprint !== record.thumbprint)
    for (const [server, thumbprint] of Object.entries(index.assignments)) {
      if (thumbprint === record.thumbprint) delete index.assignments[server]
    }
    return record
  })
}
