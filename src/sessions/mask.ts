const MASK = '***'

/** What of a client's line is a secret, a protocol. Group 1 is kept, the rest is masked. */
const secretParts: Readonly<Record<string, readonly RegExp[]>> = {
  smtp: [/^(\s*AUTH[\s=]+[^\s=]\S*\s+)\S.*$/i],
  pop3: [/^(\s*PASS\s).+$/i, /^(\s*APOP\s+\S+\s+).+$/i, /^(\s*AUTH\s+\S+\s+)\S.*$/i],
  imap4: [
    /^(\s*(?:\S+\s+)?LOGIN\s+(?:"(?:[^"\\]|\\.)*"|[^\s"{]\S*)\s+)(?!\{\d+\+?\}$).+$/i,
    // One argument where two belong: it may be either.
    /^(\s*(?:\S+\s+)?LOGIN\s+)(?!\{)\S+$/i,
    /^(\s*(?:\S+\s+)?AUTHENTICATE\s+\S+\s+)\S.*$/i,
  ],
  nntp: [
    /^(\s*AUTHINFO\s+PASS\s).+$/i,
    /^(\s*AUTHINFO\s+SASL\s+\S+\s+)\S.*$/i,
    /^(\s*AUTHINFO\s+GENERIC\s+).+$/i,
    /^(\s*AUTHINFO\s+)(?!(?:USER|PASS|SASL|SIMPLE|GENERIC)\b).+$/i,
  ],
}
/** A browser, or a proxy, that took the port for one of HTTP. RFC 9110 section 11.6.2 */
const httpCredentials = /^(\s*(?:Proxy-)?Authorization:\s*\S+\s+).+$/i

/** Lines behind which lines of secrets may come, whether the server wants them or not. */
const opensLogOn: Readonly<Record<string, RegExp>> = {
  smtp: /^\s*AUTH\b/i,
  pop3: /^\s*AUTH\b/i,
  imap4: /^\s*(?:\S+\s+)?(?:AUTHENTICATE\b|LOGIN\b.*\{\d+\+?\}$)/i,
  nntp: /^\s*AUTHINFO\s+(?:SASL|SIMPLE|GENERIC)\b/i,
}

/** How a line begins that one of the above can be about. Nearly all lines do not, and are looked at no further. */
const ofInterest: Readonly<Record<string, RegExp>> = {
  smtp: /^\s*(?:AUTH|(?:Proxy-)?Authorization:)/i,
  pop3: /^\s*(?:PASS|APOP|AUTH|(?:Proxy-)?Authorization:)/i,
  imap4: /^\s*(?:(?:\S+\s+)?(?:LOGIN|AUTHENTICATE)|(?:Proxy-)?Authorization:)/i,
  nntp: /^\s*(?:AUTHINFO|(?:Proxy-)?Authorization:)/i,
}

/** Where a command stands in a line, and what is one: what begins so is no secret. */
const commands: Readonly<Record<string, RegExp>> = {
  smtp: /^\s*(?:EHLO|HELO|MAIL|RCPT|DATA|BDAT|RSET|NOOP|QUIT|VRFY|EXPN|HELP|STARTTLS|AUTH)(?:\s|$)/i,
  pop3: /^\s*(?:USER|PASS|APOP|AUTH|CAPA|STLS|STAT|LIST|RETR|DELE|NOOP|RSET|TOP|UIDL|UTF8|LANG|QUIT)(?:\s|$)/i,
  imap4:
    /^\s*\S+\s+(?:CAPABILITY|NOOP|LOGOUT|STARTTLS|AUTHENTICATE|LOGIN|ENABLE|SELECT|EXAMINE|CREATE|DELETE|RENAME|SUBSCRIBE|UNSUBSCRIBE|LIST|LSUB|NAMESPACE|STATUS|APPEND|IDLE|ID|UID|FETCH|STORE|SEARCH|COPY|MOVE|CLOSE|UNSELECT|EXPUNGE|COMPRESS)(?:\s|$)/i,
  nntp: /^\s*(?:CAPABILITIES|MODE|AUTHINFO|STARTTLS|GROUP|LISTGROUP|LIST|ARTICLE|HEAD|BODY|STAT|OVER|XOVER|HDR|XHDR|POST|IHAVE|CHECK|TAKETHIS|NEXT|LAST|DATE|HELP|NEWGROUPS|NEWNEWS|COMPRESS|QUIT)(?:\s|$)/i,
}

/** Lines behind a log-on that are looked at with suspicion: LOGIN sends two. */
const SUSPECT_LINES = 2
/** How many of the server's lines are searched for an echo of a secret, of which lengths, and of how many. */
const ECHO_LINES = 8
const MIN_ECHO = 4
const MAX_ECHO = 512
const MAX_SECRETS = 12

/** Keeps the secrets of one session out of its transcript. */
export class Mask {
  readonly #protocol: string
  #suspect = 0
  #echoes = 0
  #secrets: string[] = []

  constructor(protocol: string) {
    this.#protocol = protocol
  }

  /** A line of the client with its secrets masked. `whole`: all of it is one. */
  ofClient(line: string, whole: boolean): string {
    const shown = whole ? MASK : this.#parts(line)
    if (shown !== line) this.#remember(line.slice(shown.length - MASK.length))
    return shown
  }

  /** A line of the server, which may have repeated a secret (as the tag of a command that is none). */
  ofServer(line: string): string {
    if (this.#echoes === 0) return line
    this.#echoes--
    let shown = line
    for (const secret of this.#secrets) shown = shown.replaceAll(secret, MASK)
    return shown
  }

  #parts(line: string): string {
    if (this.#suspect === 0 && ofInterest[this.#protocol]?.test(line) === false) return line
    const suspect = this.#suspect > 0 && !commands[this.#protocol]?.test(line)
    if (this.#suspect > 0) this.#suspect--
    if (opensLogOn[this.#protocol]?.test(line)) this.#suspect = SUSPECT_LINES
    else if (suspect) return MASK
    for (const pattern of [...(secretParts[this.#protocol] ?? []), httpCredentials]) {
      const match = pattern.exec(line)
      if (match) return `${match[1]}${MASK}`
    }
    return line
  }

  #remember(secret: string): void {
    const parts = [...secret.split(/\s+/), secret].filter(({ length }) => length >= MIN_ECHO && length <= MAX_ECHO)
    // Copies: a piece would keep all of a long line in memory.
    this.#secrets = [...this.#secrets, ...parts.map((part) => Buffer.from(part).toString())].slice(-MAX_SECRETS)
    this.#echoes = ECHO_LINES
  }
}
