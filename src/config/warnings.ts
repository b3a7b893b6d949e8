import type { Mistake, Path } from './mistakes.ts'
import { IMAP_IDLE_TIMEOUT_MS } from './resolve.ts'
import type { LabConfig, VirtualServerConfig } from './schema.ts'

/** What works but should be known. */
export function warnings(config: LabConfig): Mistake[] {
  const found = config.virtualServers.flatMap((server, index) => [...ofServer(server, ['virtualServers', index])])
  if (config.directory.mode === 'listed' && config.directory.accounts.length === 0) {
    found.push({ path: ['directory', 'accounts'], message: 'no accounts are listed: nobody can log on' })
  }
  return found
}

function* ofServer(server: VirtualServerConfig, at: Path): Iterable<Mistake> {
  const { idleTimeout } = server.limits
  if (server.protocol === 'imap4' && idleTimeout !== undefined && idleTimeout < IMAP_IDLE_TIMEOUT_MS) {
    yield {
      path: [...at, 'limits', 'idleTimeout'],
      message: 'is under 30 minutes, less than IMAP clients may count on (RFC 9051 section 5.4)',
    }
  }
  if (server.tls.legacy !== false) {
    yield {
      path: [...at, 'tls', 'legacy'],
      message: 'lets SSL 3.0, TLS 1.0 and ciphers in that anybody can break by now; for old clients in a lab only',
    }
  }
  if (!isLoopback(server.address)) {
    yield {
      path: [...at, 'address'],
      message: `${server.address} is not the loopback: other machines reach this virtual server`,
    }
  }
}

const isLoopback = (address: string): boolean =>
  address === 'localhost' || address === '::1' || address.startsWith('127.')
