import { LookupError, type NameLookup } from '../names.ts'
import { parseTags, type Tags } from '../tag-list.ts'
import { BimiFailure } from './failure.ts'

/** A domain's statement about its logo. draft-brand-indicators-for-message-identification-12 (November 2025) section 5.3. */
export interface Assertion {
  /** The domain that has the record: the author domain, or the one of its organization. */
  readonly domain: string
  readonly selector: string
  /** The logo (`l=`). Both addresses are absent: the domain declines. */
  readonly location?: string
  /** The mark certificate (`a=`). */
  readonly authority?: string
  /** Whether a picture of the person or the logo is preferred (`avp=`). */
  readonly preference?: 'brand' | 'personal'
}

/** The author of a message, and the selector that the message names. */
export interface Asked {
  readonly author: string
  readonly localPart: string
  readonly organization: string
  readonly selector: string
}

/** The start of a record. It must match precisely. Section 5.3. */
const VERSION = /^v[ \t]*=[ \t]*BIMI1[ \t]*(?:;|$)/

/** Finds the record for a message; undefined if there is none. Section 8.2. @throws BimiFailure */
export async function findAssertion(asked: Asked, lookUp: NameLookup): Promise<Assertion | undefined> {
  for (const domain of new Set([asked.author, asked.organization])) {
    const tags = await recordAt(asked.selector, domain, lookUp)
    if (!tags) continue
    const { selector } = asked
    const local = localSelector(tags.get('lps'), asked.localPart) ?? selector
    const own = local === selector ? undefined : await recordAt(local, domain, lookUp)
    return own ? readRecord(own, { domain, selector: local }) : readRecord(tags, { domain, selector })
  }
  return undefined
}

async function recordAt(selector: string, domain: string, lookUp: NameLookup): Promise<Tags | undefined> {
  const name = `${selector}._bimi.${domain}`
  try {
    const [record, ...others] = (await lookUp(name, 'TXT')).filter((text) => VERSION.test(text))
    // Section 8.2, step 8.
    if (others.length > 0) throw new BimiFailure(`${name} has several BIMI records`, 'skipped')
    if (record === undefined) return undefined
    const tags = parseTags(record)
    if (!tags) throw new BimiFailure('the record is not a list of tags')
    return tags
  } catch (error) {
    if (!(error instanceof LookupError)) throw error
    throw new BimiFailure(`failed to resolve ${name}`, 'temperror')
  }
}

/** Returns the selector that the local part of the author's address stands for. Section 5.5. */
function localSelector(lps: string | undefined, localPart: string): string | undefined {
  if (lps === undefined) return undefined
  const selector = localPart
    .replace(/\+.*$/, '')
    .replace(/[_.-]+/g, '-')
    .replace(/^-|-$/g, '')
    .toLowerCase()
  if (!/^[a-z\d-]{1,63}$/.test(selector)) return undefined
  const prefixes = lps.split(',').map((one) => one.trim().toLowerCase())
  return lps === '' || prefixes.some((prefix) => prefix !== '' && selector.startsWith(prefix)) ? selector : undefined
}

function readRecord(tags: Tags, place: Pick<Assertion, 'domain' | 'selector'>): Assertion {
  const location = tags.get('l')
  const authority = tags.get('a') ?? ''
  if (location === undefined) throw new BimiFailure('the record has no l=')
  if (location === '' && authority !== '') throw new BimiFailure('the record has no location in l=')
  for (const [tag, value] of [
    ['l', location],
    ['a', authority],
  ] as const) {
    if (!isHttps(value)) throw new BimiFailure(`${tag}= of the record is not an https URL`)
  }
  const preference = tags.get('avp')
  return {
    ...place,
    ...(location ? { location } : {}),
    ...(authority ? { authority } : {}),
    ...(preference === 'brand' || preference === 'personal' ? { preference } : {}),
  }
}

/** Longer addresses do not fit into a line of Authentication-Results. RFC 5322 section 2.1.1 */
const MAX_URL = 900

const isHttps = (text: string): boolean =>
  text === '' || (text.length <= MAX_URL && /^https:\/\/[^,\s]+$/i.test(text) && URL.canParse(text))
