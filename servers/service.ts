import type { Logger } from 'pino'
import type { Clock } from '../src/common/clock.ts'
import type { Protocol, VirtualServerConfig } from '../src/config/schema.ts'
import type { Directory } from '../src/directory/types.ts'
import type { Connection } from '../src/net/connection.ts'
import type { NewsService } from '../src/news/news-service.ts'
import type { MessageStore } from '../src/store/types.ts'

/** What a protocol's sessions know of the lab they serve in. One a virtual server; replaced as a whole on reload. */
export interface ServerContext {
  readonly config: VirtualServerConfig
  /** The virtual server's name, the default filled in. */
  readonly name: string
  readonly hostname: string
  readonly domain: string
  readonly store: MessageStore
  readonly directory: Directory
  /** Where articles are posted. Absent where a protocol is served without newsgroups. */
  readonly news?: NewsService
  readonly clock: Clock
  readonly log: Logger
}

/** A protocol: how one connection is served, from the greeting to the end. */
export interface ProtocolService {
  readonly protocol: Protocol
  /** ALPN names a client may choose. RFC 7301; IANA registry of ALPN protocol ids. */
  readonly alpn: readonly string[]
  /**
   * Serves one connection. Resolves when the session is over; rejects only with errors that the listener should log.
   * The connection is already under TLS on an implicit-TLS port.
   */
  serve(connection: Connection, context: ServerContext): Promise<void>
  /** The line (without CRLF) that turns away a client over the connection limit. */
  readonly busy: (context: ServerContext) => string
}
