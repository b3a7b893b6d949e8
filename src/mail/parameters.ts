import type { Scanner } from './scanner.ts'
import type { OctetString, Parameter } from './types.ts'

interface Piece extends Parameter {
  readonly index: number
  readonly extended: boolean
}

/** The `;name=value` list at the scanner, RFC 2231 continuations joined. Broken ones are passed over. */
export function parameters(scanner: Scanner): Parameter[] {
  const found: Parameter[] = []
  while (!scanner.ended) {
    const parameter = scanner.take(';') ? oneParameter(scanner) : undefined
    if (parameter) found.push(parameter)
    else if (scanner.next !== ';') scanner.at++
  }
  return joined(found)
}

function oneParameter(scanner: Scanner): Parameter | undefined {
  const name = scanner.token()
  if (name === '' || !scanner.take('=') || scanner.ended) return undefined
  const value = parameterValue(scanner)
  return value === undefined ? undefined : { name, value }
}

function parameterValue(scanner: Scanner): OctetString | undefined {
  if (scanner.next === '"') return scanner.quotedString()
  if (scanner.next !== '=') return scanner.token()
  const start = scanner.at // an encoded-word where a token should be: common, and meant
  while (!scanner.ended && !/[; \t\r\n]/.test(scanner.next)) scanner.at++
  const value = scanner.text.slice(start, scanner.at)
  scanner.skip()
  return value
}

/** `name*0`, `name*1*` … become one parameter, called `name*` if any piece was extended. RFC 2231 section 4.1. */
function joined(found: readonly Parameter[]): Parameter[] {
  if (!found.some(({ name }) => name.includes('*'))) return [...found]
  const plain: Parameter[] = []
  const pieces: Piece[] = []
  for (const parameter of found) {
    const match = /^([^*]+)\*(\d{1,5})(\*?)$/.exec(parameter.name)
    if (!match) plain.push(parameter)
    else
      pieces.push({ name: match[1] ?? '', index: Number(match[2]), extended: match[3] === '*', value: parameter.value })
  }
  for (const name of new Set(pieces.map((piece) => piece.name.toLowerCase()))) {
    const parts = pieces.filter((piece) => piece.name.toLowerCase() === name).sort((a, b) => a.index - b.index)
    const whole = parts.filter((piece, i) => piece.index === i)
    if (whole.length > 0) plain.push(join(whole))
  }
  return plain
}

function join(parts: readonly Piece[]): Parameter {
  const name = parts[0]?.name ?? ''
  if (!parts.some((piece) => piece.extended)) return { name, value: parts.map((piece) => piece.value).join('') }
  const prefix = parts[0]?.extended ? '' : "''"
  return {
    name: `${name}*`,
    value: prefix + parts.map((p) => (p.extended ? p.value : percentEncoded(p.value))).join(''),
  }
}

const percentEncoded = (value: OctetString): OctetString =>
  value.replace(/[^A-Za-z0-9!#$&+\-.^_`{|}~]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
