/** A reply of an SMTP server, with all its lines. RFC 5321 section 4.2. */
export interface Reply {
  /** 0 if it is not an SMTP reply. */
  readonly code: number
  readonly lines: readonly string[]
}

const LINE = /^([2-5]\d\d)(?:[ -]|$)/
const CONTINUED = /^\d\d\d-/
const ENHANCED = /^\d\d\d[ -]([245]\.\d{1,3}\.\d{1,3})(?: |$)/

/** Returns whether more lines of a reply follow this one. */
export const isContinued = (line: string): boolean => CONTINUED.test(line)

/** Returns the reply that lines are. */
export const replyOf = (lines: readonly string[]): Reply => ({
  code: Number(LINE.exec(lines.at(-1) ?? '')?.[1] ?? 0),
  lines,
})

/** Returns whether a reply is a positive completion (2yz). RFC 5321 section 4.2.1. */
export const isPositive = ({ code }: Reply): boolean => code >= 200 && code < 300

/** Returns a reply on one line: the code once, and the text of all lines. */
export function replyText({ lines }: Reply): string {
  const [first = '', ...rest] = lines
  const enhanced = ENHANCED.exec(first)?.[1]
  return [first.replace(/^(\d\d\d)-/, '$1 '), ...rest.map((line) => line.slice(4).replace(`${enhanced} `, ''))]
    .join(' ')
    .trim()
}

/** Returns the enhanced status code of a reply. RFC 2034 section 4. */
export const enhancedCodeOf = ({ lines }: Reply): string | undefined => ENHANCED.exec(lines[0] ?? '')?.[1]

/** The extensions that a host offers: keywords in capitals with their parameters. RFC 5321 section 4.1.1.1. */
export type Extensions = ReadonlyMap<string, string>

/** Reads the reply to EHLO. A keyword that comes twice has the parameters of both lines: AUTH=LOGIN is what old clients need. */
export function extensionsOf({ lines }: Reply): Extensions {
  const extensions = new Map<string, string>()
  for (const line of lines.slice(1)) {
    const [, word = '', parameters = ''] = /^([^\s=]*)[\s=]*(.*)$/.exec(line.slice(4).trim()) ?? []
    const keyword = word.toUpperCase()
    extensions.set(keyword, `${extensions.get(keyword) ?? ''} ${parameters}`.trim())
  }
  return extensions
}

/** Encodes a value as xtext. RFC 3461 section 4. */
export const xtext = (text: string): string =>
  text.replaceAll(/[^!-*,-<>-~]/g, (character) =>
    [...Buffer.from(character)].map((octet) => `+${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )
