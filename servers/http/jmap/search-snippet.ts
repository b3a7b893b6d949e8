import { xml } from '../../../src/core/text/xml.ts'
import { isMapping } from '../../../src/core/values/mapping.ts'
import { MAIL } from './capabilities.ts'
import { filled, isString, isStrings, optional, required } from './checks.ts'
import { emailConditions, phrasesIn, textsOf } from './email-filter.ts'
import { readableEmail } from './mails.ts'
import { assertCount } from './standard.ts'
import type { JsonObject, Method } from './types.ts'

/** RFC 8621 section 5 */
const MAX_PREVIEW_OCTETS = 255
/** Characters that a preview shows before the first word that was found. */
const BEFORE_CHARS = 50

/** SearchSnippet/get. RFC 8621 section 5.1. */
export const searchSnippetGet: Method = {
  capability: MAIL,
  async run(call) {
    const { api, account } = call
    const ids = required(call, 'emailIds', isStrings)
    assertCount(call, 'maxObjectsInGet', ids.length)
    const filter = optional(call, 'filter', isMapping) ?? null
    // Mistakes are reported as in Email/query.
    emailConditions(filter, { mails: account.history.mails, threads: new Map() })
    const [subject, body] = [patternOf(filter, 'subject'), patternOf(filter, 'body')]
    const list: JsonObject[] = []
    const notFound: string[] = []
    await account.history.settled()
    for (const emailId of new Set(ids)) {
      const email = readableEmail(account.history.mails.get(emailId))
      const found =
        email &&
        (await api.reader.use(email, ({ read }) => ({
          emailId,
          subject: subject ? marked(read.subject, subject) : null,
          preview: body ? textsOf(read).reduce<string | null>((one, text) => one ?? previewOf(text, body), null) : null,
        })))
      if (found) list.push(found)
      else notFound.push(emailId)
    }
    return { accountId: account.id, list, notFound: filled(notFound) }
  },
}

/** Returns the pattern of the words that a filter looks for in a property; undefined if it looks for none. */
function patternOf(filter: unknown, property: 'subject' | 'body'): RegExp | undefined {
  const phrases = new Set<string>()
  const collect = (one: unknown): void => {
    if (!isMapping(one) || one.operator === 'NOT') return
    if (Array.isArray(one.conditions)) one.conditions.forEach(collect)
    for (const name of ['text', property])
      if (isString(one[name])) for (const phrase of phrasesIn(one[name])) phrases.add(phrase.normalize('NFC'))
  }
  collect(filter)
  const sources = Array.from(phrases, (phrase) =>
    phrase.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll(/\s+/g, '\\s+'),
  )
  return sources.length > 0 ? new RegExp(sources.join('|'), 'giu') : undefined
}

/** Returns a text as HTML with the words of a pattern marked; null if it has none of them. */
function marked(text: string, pattern: RegExp, maxOctets = Number.POSITIVE_INFINITY): string | null {
  const composed = text.normalize('NFC')
  let [html, at, isFound] = ['', 0, false]
  let octets = 0
  const add = (piece: string): boolean => {
    octets += Buffer.byteLength(piece)
    if (octets <= maxOctets) html += piece
    return octets <= maxOctets
  }
  /** Adds whole characters as long as there is room. */
  const addText = (part: string): boolean => [...part].every((character) => add(xml(character)))
  for (const { 0: word, index } of composed.matchAll(pattern)) {
    if (word === '') continue
    if (!addText(composed.slice(at, index)) || !add(`<mark>${xml(word)}</mark>`)) return isFound ? html : null
    isFound = true
    at = index + word.length
  }
  addText(composed.slice(at))
  return isFound ? html : null
}

/** Returns the part of a text around the first word of a pattern, in one line; null if it has none. */
function previewOf(text: string, pattern: RegExp): string | null {
  const line = text.normalize('NFC').replaceAll(/\s+/g, ' ').trim()
  const at = line.search(pattern)
  if (at === -1) return null
  // Not in the middle of a word.
  const start = at <= BEFORE_CHARS ? 0 : line.indexOf(' ', at - BEFORE_CHARS) + 1
  return marked(line.slice(Math.min(start, at), at + MAX_PREVIEW_OCTETS), pattern, MAX_PREVIEW_OCTETS)
}
