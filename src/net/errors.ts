const endCauses = ['client closed', 'connection lost', 'idle', 'log-on timeout', 'stopping', 'server closed'] as const
/** Why no more can be read from a connection. */
export type EndCause = (typeof endCauses)[number]

/** Thrown by every read after the end of a connection. After `idle`, `log-on timeout` and `stopping` a last line can still be written. */
export class ConnectionEnded extends Error {
  override readonly name = 'ConnectionEnded'
  readonly reason: EndCause

  private constructor(reason: EndCause) {
    super(reason)
    this.reason = reason
  }

  // One shared object per cause: every connection ends, and collecting a stack trace each time is expensive.
  static readonly #shared = new Map(endCauses.map((cause) => [cause, new ConnectionEnded(cause)]))

  static by(cause: EndCause): ConnectionEnded {
    return ConnectionEnded.#shared.get(cause) as ConnectionEnded
  }
}

/** The client exceeded a size limit. The excess has been read and discarded: the next read starts after it. */
export class TooLong extends Error {
  override readonly name = 'TooLong'
  readonly limitOctets: number
  /** The first octets of a line, as `latin1`: some commands are followed by a message. */
  readonly lineStart: string
  /** The last octets of a line, as `latin1`: IMAP4 announces there that a literal follows. */
  readonly lineTail: string
  constructor(what: 'line' | 'block', limitOctets: number, lineStart = '', lineTail = '') {
    super(`${what} longer than ${limitOctets} octets`)
    this.limitOctets = limitOctets
    this.lineStart = lineStart
    this.lineTail = lineTail
  }
}

/** A fault has replied to a command in place of the server. The command is not carried out, and the session continues. */
export class FaultAnswered extends Error {
  override readonly name = 'FaultAnswered'
}

/** A failed TLS handshake; the message gives the reason in plain words. The connection is closed. */
export class HandshakeFailure extends Error {
  override readonly name = 'HandshakeFailure'
}
