import { type AcmeAuthority, obtainByAcme } from '../acme/obtain.ts'
import { reachDirectory } from '../acme/reach.ts'
import type { CertificateRecord } from '../certificate-store/index-file.ts'
import type { LifecycleContext } from './context.ts'
import { installPlanned, planInstall } from './install.ts'
import { cancelRequest } from './pending.ts'
import { type PlannedRequest, prepareRequest } from './request.ts'

/**
 * Sends a request to an ACME authority, answers its challenges, and installs and assigns the certificate.
 * @throws PkiError; the request is gone then, and what was worn before is worn still
 */
export async function issueByAcme(
  context: LifecycleContext,
  planned: PlannedRequest,
  authority: AcmeAuthority,
): Promise<CertificateRecord> {
  await reachDirectory(authority.directoryUrl, authority.ca)
  await context.store.refresh()
  const { record, pem } = await prepareRequest(context, planned)
  try {
    const answer = await obtainByAcme(context.store, pem, authority)
    return await installPlanned(context, await planInstall(context, Buffer.from(answer), { for: record.virtualServer }))
  } catch (error) {
    // Somebody else may have cancelled it already: what went wrong first is what is told.
    await cancelRequest(context, record.id).catch(() => {})
    throw error
  }
}
