import type { ParsedMessage } from '../../../src/mail/parse-cache.ts'
import { everyPart, isText, partText } from '../../../src/mail/part-text.ts'

const MAX_PREVIEW_CHARS = 200
/** Of a long text, no more is looked at. */
const MAX_SOURCE_CHARS = 20_000

/** The first words of a message. RFC 8970 section 3.2: no more than 200 characters. */
export function preview(raw: Buffer, parsed: ParsedMessage): string {
  const texts = [...everyPart(parsed.structureOf(raw))].filter(isText)
  const isPlain = (subtype: string): boolean => subtype.toLowerCase() === 'plain'
  const part = texts.find(({ subtype }) => isPlain(subtype)) ?? texts[0]
  if (!part) return ''
  const source = partText(raw, part).slice(0, MAX_SOURCE_CHARS)
  const text = isPlain(part.subtype) ? source : withoutTags(source)
  return [...text.replace(/[\s\p{Cc}]+/gu, ' ').trim()].slice(0, MAX_PREVIEW_CHARS).join('')
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', '#39': "'" }

function withoutTags(html: string): string {
  return html
    .replace(/<(style|script|title)\b[^>]*>[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(\w+|#39);/g, (whole, name: string) => ENTITIES[name.toLowerCase()] ?? whole)
}
