import { MASK, maskUrls, mayHaveUrl } from '../text/mask-urls.ts'

/**
 * Words that begin a log-on in some protocol. Every protocol's transcript masks all of them: clients log on in the wrong
 * protocol, forget a space (`PASSsecret`), or send a stray word first. `USER-` begins an HTTP field.
 */
const LOGON_WORD = /\b(?:LOGIN|AUTH|X-EXPS|APOP|PASS|USER(?!-))/i

/** Names of mechanisms. Anything else in their place may be a password. */
const MECHANISM =
  '"?(?:PLAIN|LOGIN|CRAM-MD5|DIGEST-MD5|SCRAM-[\\w-]+|EXTERNAL|ANONYMOUS|GSSAPI|GSS-SPNEGO|NTLM|MSN|XOAUTH2|OAUTHBEARER|NONE)"?'
const mechanismAfter = (command: string): string => `${command}(?:$|[\\s=]+(?:${MECHANISM}(?:\\s+|$))?)`

/** The parts of log-on lines that contain no secret. What follows such a part is masked. */
const shownParts = [
  // RFC 4954 section 4, RFC 5034 section 4
  mechanismAfter('\\s*(?:AUTH|X-EXPS)'),
  mechanismAfter('\\s*(?:\\S+\\s+)?AUTHENTICATE'),
  // With one argument instead of two, it may be the password. A literal comes in the next line. RFC 9051 section 6.2.3
  '\\s*(?:\\S+\\s+)?LOGIN(?:$|\\s+(?:(?:"(?:[^"\\\\]|\\\\.)*"|[^\\s"{}()\\\\]+)\\s+)?(?:\\{\\d+\\+?\\}$)?)',
  '\\s*PASS(?:\\s+|$)',
  '\\s*APOP(?:$|\\s+(?:\\S+\\s+)?)',
  '\\s*USER(?:$|\\s+\\S+(?:\\s+|$)|\\s+)',
  // RFC 4643 sections 2.3 and 2.4
  '\\s*AUTHINFO\\s+(?:PASS|SIMPLE)(?:\\s+|$)',
  '\\s*AUTHINFO\\s+USER(?:$|\\s+\\S+(?:\\s+|$)|\\s+)',
  mechanismAfter('\\s*AUTHINFO\\s+(?:SASL|GENERIC)'),
  // The credentials of an HTTP client that uses the wrong port. RFC 9110 section 11.6.2
  '\\s*(?:Proxy-)?Authorization:\\s*(?:(?:Basic|Bearer|Digest|Negotiate|NTLM)\\s+)?',
].map((pattern) => new RegExp(`^${pattern}`, 'i'))

/** Any other line with a log-on word: everything after the first such word may be a secret. */
const afterFirstWord = new RegExp(`^.*?${LOGON_WORD.source}\\s*`, 'i')

/** Header fields with a secret, of an HTTP client that uses the wrong port. The log-on words find Authorization. */
const SECRET_FIELD = /^\s*(?:(?:Set-)?Cookie2?|[\w-]*(?:Token|Api-?Key|Secret)):\s*/i

/** Lines that begin with a command that is not a log-on, and are therefore not secrets. */
const plainCommands: Readonly<Record<string, RegExp>> = {
  smtp: /^\s*(?:EHLO|HELO|MAIL|RCPT|DATA|BDAT|RSET|NOOP|QUIT|VRFY|EXPN|HELP|STARTTLS)(?:\s|$)/i,
  pop3: /^\s*(?:CAPA|STLS|STAT|LIST|RETR|DELE|NOOP|RSET|TOP|UIDL|UTF8|LANG|QUIT)(?:\s|$)/i,
  imap4:
    /^\s*\S+\s+(?:CAPABILITY|NOOP|LOGOUT|STARTTLS|ENABLE|SELECT|EXAMINE|CREATE|DELETE|RENAME|SUBSCRIBE|UNSUBSCRIBE|LIST|LSUB|NAMESPACE|STATUS|APPEND|REPLACE|IDLE|ID|UID|FETCH|STORE|SEARCH|SORT|THREAD|COPY|MOVE|CHECK|CLOSE|UNSELECT|EXPUNGE|COMPRESS|GETQUOTA|GETQUOTAROOT|SETQUOTA|GETMETADATA|SETMETADATA|SETACL|GETACL|DELETEACL|LISTRIGHTS|MYRIGHTS|NOTIFY|UNAUTHENTICATE)(?:\s|$)/i,
  http: /^(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s/,
  managesieve:
    /^\s*(?:CAPABILITY|CHECKSCRIPT|DELETESCRIPT|GETSCRIPT|HAVESPACE|LISTSCRIPTS|LOGOUT|NOOP|PUTSCRIPT|RENAMESCRIPT|SETACTIVE|STARTTLS|UNAUTHENTICATE)(?:\s|$)/i,
  nntp: /^\s*(?:CAPABILITIES|MODE|STARTTLS|GROUP|LISTGROUP|LIST|ARTICLE|HEAD|BODY|STAT|OVER|XOVER|HDR|XHDR|XPAT|XGTITLE|POST|IHAVE|CHECK|TAKETHIS|NEXT|LAST|DATE|HELP|NEWGROUPS|NEWNEWS|COMPRESS|QUIT)(?:\s|$)/i,
}

/** Lines after a log-on that may be secrets as a whole: AUTH LOGIN sends two. */
const SUSPECT_LINES = 2
/** Server lines that are searched for a repeated secret, and length and number of the secrets. */
const ECHO_LINES = 8
const MIN_ECHO = 4
const MAX_ECHO = 512
const MAX_SECRETS = 12

/** Keeps the secrets of one session out of its transcript. */
export class Mask {
  readonly #plainCommands: RegExp | undefined
  #suspect = 0
  #echoes = 0
  #secrets: string[] = []

  constructor(protocol: string) {
    this.#plainCommands = plainCommands[protocol]
  }

  /** Masks the secrets in a client's line. @param whole whether the whole line is a secret */
  ofClient(line: string, whole: boolean): string {
    const shown = whole ? 0 : this.#shownLength(line)
    if (shown === line.length) return maskUrls(line)
    this.#remember(line.slice(shown))
    return maskUrls(line.slice(0, shown)) + MASK
  }

  /** Returns whether `ofServer` changes nothing in any line of a text. */
  showsServer(text: string): boolean {
    return this.#echoes === 0 && !mayHaveUrl(text)
  }

  /** Masks secrets that the server repeats. */
  ofServer(line: string): string {
    let shown = maskUrls(line)
    if (this.#echoes === 0) return shown
    this.#echoes--
    for (const secret of this.#secrets) shown = shown.replaceAll(secret, MASK)
    return shown
  }

  /** Ends the suspicion that the next lines are secrets: a log-on has succeeded. */
  loggedOn(): void {
    this.#suspect = 0
  }

  /** Returns the length of the part of a line that may be shown. */
  #shownLength(line: string): number {
    const isSuspect = this.#suspect > 0
    if (isSuspect) this.#suspect--
    const hasLogonWord = LOGON_WORD.test(line)
    // Most lines return here.
    const field = line.includes(':') ? SECRET_FIELD.exec(line) : null
    if (field) return field[0].length
    if (!isSuspect && !hasLogonWord) return line.length
    if (this.#plainCommands?.test(line)) return line.length
    if (!hasLogonWord) return 0
    this.#suspect = SUSPECT_LINES
    for (const pattern of shownParts) {
      const shown = pattern.exec(line)
      if (shown) return shown[0].length
    }
    return isSuspect ? 0 : (afterFirstWord.exec(line)?.[0].length ?? 0)
  }

  #remember(secret: string): void {
    const parts = [...secret.split(/\s+/), secret].filter(({ length }) => length >= MIN_ECHO && length <= MAX_ECHO)
    // Copied, because a slice would keep the whole line in memory.
    this.#secrets = [...this.#secrets, ...parts.map((part) => Buffer.from(part).toString())].slice(-MAX_SECRETS)
    this.#echoes = ECHO_LINES
  }
}
