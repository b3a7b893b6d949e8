import { inAnyState, inAuthorization, wordsBetween } from '../command.ts'
import { Pop3Error, type Pop3Reply } from '../reply.ts'

/** UTF8: messages are sent as they are from the log-on on. Without it, headers are sent in ASCII. RFC 6856 section 2.1. */
export const utf8 = inAuthorization({
  name: 'UTF8',
  run(session) {
    session.isUtf8 = true
    return 'UTF8 enabled'
  },
})

/** The languages of replies, by tag. RFC 6856 section 3.2. */
const languages = [['en', 'English']] as const
const [DEFAULT] = languages[0]

/** LANG [language|*]: lists the languages, or selects one. RFC 6856 section 3.2. */
export const lang = inAnyState({
  name: 'LANG',
  parse: wordsBetween(0, 1),
  run(_, [wanted]): Pop3Reply {
    if (wanted === undefined) {
      return { text: 'Language listing follows:', lines: languages.map((language) => language.join(' ')) }
    }
    const found = wanted === '*' || wanted.toLowerCase() === 'i-default' ? DEFAULT : bestMatch(wanted)
    if (found === undefined) throw new Pop3Error(`${DEFAULT} This language is not supported.`)
    return `${found} Language selected`
  },
})

/** Shortens a tag until it is one of the languages: `en-GB` selects `en`. RFC 4647 section 3.4 */
function bestMatch(wanted: string): string | undefined {
  for (let tag = wanted.toLowerCase(); tag !== ''; tag = tag.slice(0, Math.max(0, tag.lastIndexOf('-')))) {
    const found = languages.find(([name]) => name === tag)
    if (found) return found[0]
  }
  return undefined
}
