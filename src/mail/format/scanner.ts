import { MAX_VALUE_OCTETS } from './headers.ts'
import type { OctetString } from './types.ts'

const SPECIALS = '()<>[]:;@\\,."'
const TSPECIALS = '()<>@,;:\\"/[]?='

const table = (excluded: string, included = ''): Uint8Array =>
  Uint8Array.from({ length: 256 }, (_, code) => {
    const char = String.fromCharCode(code)
    return included.includes(char) || (code > 0x20 && code !== 0x7f && !excluded.includes(char)) ? 1 : 0
  })

/** atext of RFC 5322 section 3.2.3, with 8-bit octets (RFC 6532 section 3.2). */
const ATOM = table(SPECIALS)
const DOT_ATOM = table(SPECIALS, '.')
/** token of RFC 2045 section 5.1, with 8-bit octets. */
const TOKEN = table(TSPECIALS)

/** Reads the tokens of structured header fields and tolerates errors. RFC 5322 section 3.2, with the obsolete forms of section 4. */
export class Scanner {
  readonly text: OctetString
  at = 0
  /** The last comment that was skipped, without its parentheses. Old-style addresses have the name there. */
  comment: OctetString | undefined

  constructor(text: OctetString) {
    this.text = text.slice(0, MAX_VALUE_OCTETS)
    this.skip()
  }

  /** The next character, empty at the end. */
  get next(): string {
    return this.text.charAt(this.at)
  }

  get ended(): boolean {
    return this.at >= this.text.length
  }

  /** Skips `char`, and the white space and comments after it, if it is next. Returns whether it was. */
  take(char: string): boolean {
    if (this.next !== char) return false
    this.at++
    this.skip()
    return true
  }

  /** Skips folding white space and comments. RFC 5322 section 3.2.2. */
  skip(): void {
    const { text } = this
    for (;;) {
      const code = text.charCodeAt(this.at) // NaN at the end
      if (code === 0x20 || code === 0x09 || code === 0x0d || code === 0x0a) this.at++
      else if (code === 0x28) this.comment = this.#readComment()
      else return
    }
  }

  #readComment(): OctetString {
    let out = ''
    let depth = 0
    for (; !this.ended; this.at++) {
      const char = this.next
      if (char === '(' && depth++ === 0) continue
      if (char === ')' && --depth === 0) {
        this.at++
        return out
      }
      if (char === '\\' && this.at + 1 < this.text.length) this.at++
      if (this.next !== '\r' && this.next !== '\n') out += this.next
    }
    return out
  }

  /** Whether an atom or a quoted string starts here. */
  get atWord(): boolean {
    return this.next === '"' || this.atAtom
  }

  get atAtom(): boolean {
    return ATOM[this.text.charCodeAt(this.at)] === 1
  }

  atom(): OctetString {
    return this.#run(ATOM)
  }

  atomOrDots(): OctetString {
    return this.#run(DOT_ATOM)
  }

  token(): OctetString {
    return this.#run(TOKEN)
  }

  #run(allowed: Uint8Array): OctetString {
    const { text, at: start } = this
    let end = start
    while (allowed[text.charCodeAt(end)] === 1) end++
    this.at = end
    const found = text.slice(start, end)
    this.skip()
    return found
  }

  /** Reads a quoted string, which must be next. Returns its content, unescaped and unfolded, or undefined if it is not closed. */
  quotedString(): OctetString | undefined {
    let out = ''
    for (this.at++; !this.ended; this.at++) {
      let char = this.next
      if (char === '"') {
        this.at++
        this.skip()
        return out
      }
      if (char === '\\') {
        this.at++
        char = this.next
      } else if (char === '\r' || char === '\n') continue
      out += char
    }
    return undefined
  }

  /** Reads atoms with dots between them. White space and comments are allowed around the dots. RFC 5322 section 4.4. */
  dotAtom(): OctetString {
    return this.#dotted(() => this.atom())
  }

  /** Reads words, also quoted ones, with dots between them. Returns undefined if a quote is not closed. RFC 5322 section 4.4, `obs-local-part`. */
  localPart(): OctetString | undefined {
    let broken = false
    const found = this.#dotted(() => {
      const word = this.next === '"' ? this.quotedString() : this.atom()
      broken ||= word === undefined
      return word ?? ''
    }, true)
    return broken ? undefined : found
  }

  #dotted(word: () => OctetString, quoted = false): OctetString {
    let out = ''
    while (this.next === '.' || (quoted ? this.atWord : this.atAtom)) {
      if (this.take('.')) out += '.'
      else {
        out += word()
        if (this.next !== '.') break
      }
    }
    return out
  }

  /** Reads `[…]`. Returns it with its brackets, unfolded, or undefined if it is not closed. RFC 5322 section 3.4.1. */
  domainLiteral(): OctetString | undefined {
    const close = this.text.indexOf(']', this.at)
    if (close < 0) return undefined
    const literal = this.text.slice(this.at, close + 1).replace(/[\r\n]/g, '')
    this.at = close + 1
    this.skip()
    return literal
  }
}
