import { HandshakeFailed } from '../tls/handshake.ts'
import { NotTested } from '../types.ts'
import { type Check, fail, pass } from './check.ts'
import { acceptedVersions } from './versions.ts'

/** Finishes a handshake in each current version that the server accepts: a server can be sound in one and broken in another. */
export const handshakes: Check = {
  name: 'handshakes',
  title: 'handshakes',
  async run(probe) {
    const accepted = (await acceptedVersions(probe)).map(({ name }) => name)
    const versions = (['TLSv1.2', 'TLSv1.3'] as const).filter((name) => accepted.includes(name))
    if (versions.length === 0) throw new NotTested('the server accepts only versions before TLS 1.2')
    for (const maxVersion of versions) {
      try {
        // With every group and key length: newer clients stop at a short one, before they see what else is wrong.
        const { dialog } = await probe.securedSocket({ maxVersion, wide: true })
        dialog.wire.close()
      } catch (error) {
        if (!(error instanceof HandshakeFailed && error.breaksProtocol)) throw error
        return fail(`a handshake in ${maxVersion} fails: ${error.message}`, { version: maxVersion, code: error.code })
      }
    }
    return pass(`finished in ${versions.join(' and ')}`)
  },
}
