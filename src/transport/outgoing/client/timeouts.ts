const MINUTE_MS = 60_000

/** Longest waits for a reply, by the command that is waited for. RFC 5321 section 4.5.3.2. */
const commandMs: Readonly<Record<string, number>> = {
  greeting: 5 * MINUTE_MS,
  DATA: 2 * MINUTE_MS,
  'end of data': 10 * MINUTE_MS,
}

/** The longest waits of a session with another host. Tests shorten them. */
export interface PeerTimeouts {
  readonly connectMs: number
  /** For a TLS handshake. */
  readonly handshakeMs: number
  /** Longest wait for the host to take more of a message. RFC 5321 section 4.5.3.2.5. */
  readonly blockMs: number
  /** Longest wait for the reply to a command, to `greeting` or to `end of data`. */
  readonly replyMs: (command: string) => number
}

export const standardTimeouts: PeerTimeouts = {
  connectMs: 30_000,
  handshakeMs: MINUTE_MS,
  blockMs: 3 * MINUTE_MS,
  replyMs: (command) => commandMs[command] ?? 5 * MINUTE_MS,
}

/** Returns a time in words: `5 minutes`. */
export const timeInWords = (ms: number): string =>
  ms % MINUTE_MS === 0 ? `${ms / MINUTE_MS} minute${ms === MINUTE_MS ? '' : 's'}` : `${ms / 1000} s`
