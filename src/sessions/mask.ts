const MASK = '***'

/** Client lines that contain a secret, by protocol. Group 1 is shown, the rest is masked. */
const secretParts: Readonly<Record<string, readonly RegExp[]>> = {
  smtp: [/^(\s*AUTH[\s=]+[^\s=]\S*\s+)\S.*$/i],
  pop3: [/^(\s*PASS\s).+$/i, /^(\s*APOP\s+\S+\s+).+$/i, /^(\s*AUTH\s+\S+\s+)\S.*$/i],
  imap4: [
    /^(\s*(?:\S+\s+)?LOGIN\s+(?:"(?:[^"\\]|\\.)*"|[^\s"{]\S*)\s+)(?!\{\d+\+?\}$).+$/i,
    // With one argument instead of two, it may be the password.
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
/** The credentials of an HTTP client that uses the wrong port. RFC 9110 section 11.6.2 */
const httpCredentials = /^(\s*(?:Proxy-)?Authorization:\s*\S+\s+).+$/i

/** Lines after which whole lines may be secrets, whether the server asks for them or not. */
const startsLogon: Readonly<Record<string, RegExp>> = {
  smtp: /^\s*AUTH\b/i,
  pop3: /^\s*AUTH\b/i,
  imap4: /^\s*(?:\S+\s+)?(?:AUTHENTICATE\b|LOGIN\b.*\{\d+\+?\}$)/i,
  nntp: /^\s*AUTHINFO\s+(?:SASL|SIMPLE|GENERIC)\b/i,
}

/** Beginning of the lines that the patterns above can match. Nearly all lines fail this quick test. */
const candidates: Readonly<Record<string, RegExp>> = {
  smtp: /^\s*(?:AUTH|(?:Proxy-)?Authorization:)/i,
  pop3: /^\s*(?:PASS|APOP|AUTH|(?:Proxy-)?Authorization:)/i,
  imap4: /^\s*(?:(?:\S+\s+)?(?:LOGIN|AUTHENTICATE)|(?:Proxy-)?Authorization:)/i,
  nntp: /^\s*(?:AUTHINFO|(?:Proxy-)?Authorization:)/i,
}

/** Lines that begin with a command, and are therefore not secrets as a whole. */
const commands: Readonly<Record<string, RegExp>> = {
  smtp: /^\s*(?:EHLO|HELO|MAIL|RCPT|DATA|BDAT|RSET|NOOP|QUIT|VRFY|EXPN|HELP|STARTTLS|AUTH)(?:\s|$)/i,
  pop3: /^\s*(?:USER|PASS|APOP|AUTH|CAPA|STLS|STAT|LIST|RETR|DELE|NOOP|RSET|TOP|UIDL|UTF8|LANG|QUIT)(?:\s|$)/i,
  imap4:
    /^\s*\S+\s+(?:CAPABILITY|NOOP|LOGOUT|STARTTLS|AUTHENTICATE|LOGIN|ENABLE|SELECT|EXAMINE|CREATE|DELETE|RENAME|SUBSCRIBE|UNSUBSCRIBE|LIST|LSUB|NAMESPACE|STATUS|APPEND|IDLE|ID|UID|FETCH|STORE|SEARCH|COPY|MOVE|CLOSE|UNSELECT|EXPUNGE|COMPRESS)(?:\s|$)/i,
  nntp: /^\s*(?:CAPABILITIES|MODE|AUTHINFO|STARTTLS|GROUP|LISTGROUP|LIST|ARTICLE|HEAD|BODY|STAT|OVER|XOVER|HDR|XHDR|POST|IHAVE|CHECK|TAKETHIS|NEXT|LAST|DATE|HELP|NEWGROUPS|NEWNEWS|COMPRESS|QUIT)(?:\s|$)/i,
}

/** Lines after the start of a log-on that may be secrets: AUTH LOGIN sends two. */
const SUSPECT_LINES = 2
/** Server lines that are searched for a repeated secret, and length and number of the secrets. */
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

  /** Masks the secrets in a client's line. @param whole whether the whole line is a secret */
  ofClient(line: string, whole: boolean): string {
    const shown = whole ? MASK : this.#parts(line)
    if (shown !== line) this.#remember(line.slice(shown.length - MASK.length))
    return shown
  }

  /** Masks secrets that the server repeats, for example as the tag of an invalid command. */
  ofServer(line: string): string {
    if (this.#echoes === 0) return line
    this.#echoes--
    let shown = line
    for (const secret of this.#secrets) shown = shown.replaceAll(secret, MASK)
    return shown
  }

  #parts(line: string): string {
    if (this.#suspect === 0 && candidates[this.#protocol]?.test(line) === false) return line
    const suspect = this.#suspect > 0 && !commands[this.#protocol]?.test(line)
    if (this.#suspect > 0) this.#suspect--
    if (startsLogon[this.#protocol]?.test(line)) this.#suspect = SUSPECT_LINES
    else if (suspect) return MASK
    for (const pattern of [...(secretParts[this.#protocol] ?? []), httpCredentials]) {
      const match = pattern.exec(line)
      if (match) return `${match[1]}${MASK}`
    }
    return line
  }

  #remember(secret: string): void {
    const parts = [...secret.split(/\s+/), secret].filter(({ length }) => length >= MIN_ECHO && length <= MAX_ECHO)
    // Copied, because a slice would keep the whole line in memory.
    this.#secrets = [...this.#secrets, ...parts.map((part) => Buffer.from(part).toString())].slice(-MAX_SECRETS)
    this.#echoes = ECHO_LINES
  }
}
