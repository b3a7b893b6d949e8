import type { Logger } from 'pino'
import { services } from '../../servers/index.ts'
import type { ServerContext } from '../../servers/service.ts'
import type { Clock } from '../common/clock.ts'
import type { ResolvedLab, ResolvedVirtualServer } from '../config/resolve.ts'
import type { Directory } from '../directory/types.ts'
import type { FaultBook } from '../net/faults/fault-book.ts'
import type { VirtualServerSettings } from '../net/virtual-server.ts'
import type { NewsService } from '../news/news-service.ts'
import type { MessageStore } from '../store/types.ts'
import type { Captures } from './captures.ts'
import type { LabPki } from './lab-pki.ts'
import { tlsSettings } from './tls-settings.ts'

/** What the virtual servers of a lab have in common. */
export interface Site {
  readonly config: ResolvedLab
  readonly store: MessageStore
  readonly directory: Directory
  readonly news: NewsService
  readonly pki: LabPki
  readonly captures: Captures
  readonly faults: FaultBook
  readonly clock: Clock
  readonly log: Logger
}

/** What a virtual server runs with, as the configuration has it and the certificate store is now. @throws PkiError */
export async function serverSettings(server: ResolvedVirtualServer, site: Site): Promise<VirtualServerSettings> {
  const { config, store, directory, news, pki, captures, faults, clock, log } = site
  const { name, protocol, address, port, tlsPort, limits, idleTimeoutMs } = server
  const service = services[protocol]
  const context: ServerContext = {
    config: server,
    name,
    hostname: config.hostname,
    domain: config.domain,
    store,
    directory,
    news,
    clock,
    log: log.child({ server: name }),
  }
  const tls = await tlsSettings(config, server, pki, log)
  return {
    name,
    protocol,
    address,
    port,
    tlsPort,
    ...(tls ? { tls } : {}),
    faults,
    captures: captures.wanted(config.capture, server.capture),
    maxConnections: limits.connections,
    idleTimeoutMs,
    serve: (connection) => service.serve(connection, context),
    busyLine: service.busy(context),
  }
}
