/** Why a connection can be read from no more. */
export type EndCause = 'client closed' | 'connection lost' | 'idle' | 'stopping' | 'server closed'

/** The end of a connection, thrown by every read from then on. On `idle` and `stopping` a last line can still be written. */
export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded'
  readonly reason: EndCause
  constructor(reason: EndCause, options?: ErrorOptions) {
    super(reason, options)
    this.reason = reason
  }
}

/** The client sent more than a limit lets. What was too long has been read and dropped: the next read starts behind it. */
export class TooLong extends Error {
  override readonly name = 'TooLong'
  readonly limitOctets: number
  constructor(what: 'line' | 'block', limitOctets: number) {
    super(`${what} longer than ${limitOctets} octets`)
    this.limitOctets = limitOctets
  }
}

/** A TLS handshake that came to nothing; the message says why in plain words. The connection is gone. */
export class HandshakeFailure extends Error {
  override readonly name = 'HandshakeFailure'
}
