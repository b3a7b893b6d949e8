import { choicesOf } from '../../../core/config/schema/certificate.ts'
import { checkFriendlyName, freeName } from '../certificate-store/friendly-names.ts'
import { type CertificateRecord, certificateNamed, type StoreIndex } from '../certificate-store/index-file.ts'
import { PkiError } from '../errors.ts'
import type { LifecycleContext, VirtualServerFacts } from './context.ts'

export interface RenameOptions {
  /** Renames a certificate that the configuration names, too. */
  readonly force?: boolean
}

/** A renamed certificate. */
export interface Renamed {
  readonly record: CertificateRecord
  readonly formerName: string
}

/**
 * Gives a certificate another friendly name.
 * @param name its friendly name, its thumbprint or the first digits of that
 * @throws PkiError `refused` if another certificate or a pending request has the new name, or the configuration uses the old one
 */
export async function renameCertificate(
  context: LifecycleContext,
  name: string,
  newName: string,
  { force = false }: RenameOptions = {},
): Promise<Renamed> {
  const { store } = context
  checkFriendlyName(newName)
  const friendlyName = newName.trim()
  await store.refresh()
  const { thumbprint } = await store.find(name)
  return store.update((draft) => {
    const record = draft.index.certificates.find((one) => one.thumbprint === thumbprint)
    if (record === undefined) throw new PkiError('unknown', `"${name}" was deleted in the meantime`)
    const formerName = record.friendlyName
    if (!force) refusePinnedName(context, draft.index, record)
    const others = { ...draft.index, certificates: draft.index.certificates.filter((one) => one !== record) }
    const free = freeName(others, friendlyName)
    if (free !== friendlyName) {
      throw new PkiError('refused', `the friendly name "${friendlyName}" is taken; "${free}" is free`)
    }
    record.friendlyName = friendlyName
    return { record, formerName }
  })
}

/** Refuses to rename a certificate that virtual servers find by its friendly name. */
function refusePinnedName(
  { lab }: LifecycleContext,
  index: Readonly<StoreIndex>,
  { friendlyName, thumbprint }: CertificateRecord,
): void {
  const user = lab().virtualServers.find(({ certificate }) =>
    choicesOf(certificate).some(
      (one) =>
        one.kind === 'named' &&
        one.name === friendlyName &&
        certificateNamed(index, one.name)?.thumbprint === thumbprint,
    ),
  )
  if (user === undefined) return
  throw new PkiError('refused', pinnedText(user, friendlyName))
}

const pinnedText = ({ name, place = 'its configuration' }: VirtualServerFacts, friendlyName: string): string =>
  `"${name}" finds its certificate by this name, set in ${place}: ${friendlyName}; write the thumbprint there first, or rename it with --force and write the new name there`
