import type { LabChange } from '../../api/lab.ts'
import type { VirtualServers } from '../virtual-servers/virtual-servers.ts'

type Served = { readonly friendlyName: string; readonly thumbprint: string } | null

/** The certificates that the virtual servers serve by default, to tell what has changed. */
export class ServedCertificates {
  #served = new Map<string, Served>()

  /** Returns the virtual servers whose certificate has changed since the last call. New and removed ones do not count. */
  changes(names: readonly string[], servers: VirtualServers): LabChange[] {
    const now = new Map(names.map((name) => [name, servedBy(name, servers)]))
    const before = this.#served
    this.#served = now
    return [...now].flatMap(([virtualServer, certificate]): LabChange[] => {
      const previous = before.get(virtualServer)
      if (previous === undefined || previous?.thumbprint === certificate?.thumbprint) return []
      return [{ type: 'certificate', virtualServer, certificate, previous }]
    })
  }
}

function servedBy(name: string, servers: VirtualServers): Served {
  const [first] = servers.get(name)?.settings.tls?.certificates ?? []
  return first ? { friendlyName: first.friendlyName, thumbprint: first.thumbprint } : null
}
