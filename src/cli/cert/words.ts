import type { UsedAfterRemoval } from '../../tls/pki/lifecycle/assign.ts'
import type { PkiSession } from '../shared/certificate-store.ts'
import { noteWarning } from '../shared/output.ts'

/** How a certificate is named on the command line. */
export const NAME_HELP = 'friendly name, or first digits of the thumbprint'

/** Prints the problems with the certificates of the virtual servers that a command changed. `sealpost check` prints all. @param only codes of those to print. Default: all */
export async function noteWarningsOf(
  { certificates }: PkiSession,
  virtualServers: readonly string[],
  only?: readonly string[],
): Promise<void> {
  for (const { message, code } of await certificates.warnings(virtualServers)) {
    if (only?.includes(code) ?? true) noteWarning(message)
  }
}

/** Says that the chain of a certificate of the store is longer now. */
export const completedText = (friendlyName: string, reaches: string): string =>
  `The certificate was in the store already as "${friendlyName}"; its chain now reaches ${reaches}.`

/** Returns what a virtual server uses after its certificate was removed, as the end of a sentence. */
export function usedAfterRemoval(now: UsedAfterRemoval): string {
  if (now.kind === 'none') return 'has no certificate now, and no TLS until another one is assigned'
  if (now.kind === 'issued-on-demand') return 'now uses a certificate that the lab issues'
  return `now uses "${now.friendlyName}" (thumbprint ${now.thumbprint})`
}
