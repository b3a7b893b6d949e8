const endCauses = ['client closed', 'connection lost', 'idle', 'stopping', 'server closed'] as const
/** Why a connection can be read from no more. */
export type EndCause = (typeof endCauses)[number]

/** The end of a connection, thrown by every read from then on. On `idle` and `stopping` a last line can still be written. */
export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded'
  readonly reason: EndCause

  private constructor(reason: EndCause) {
    super(reason)
    this.reason = reason
  }

  // Every connection ends: to gather a stack each time would cost more than all else at its end.
  static readonly #known = new Map(endCauses.map((cause) => [cause, new ConnectionEnded(cause)]))

  static by(cause: EndCause): ConnectionEnded {
    return ConnectionEnded.#known.get(cause) as ConnectionEnded
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
