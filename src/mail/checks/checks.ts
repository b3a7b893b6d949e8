import { getDomain, parse } from 'tldts'
import type { Steps } from '../../core/time/time-slice.ts'
import type { MessageAuthentication } from '../format/authentication-results.ts'
import { headerFields, headerValues } from '../format/headers.ts'
import { type Tag, tagsOf } from '../format/html-tags.ts'
import type { ReadableMessage } from '../format/readable.ts'
import type { Finding, SpamVerdict } from './findings.ts'
import { htmlSupport } from './html-support.ts'

/** Gmail shows less of longer HTML. */
const GMAIL_CLIP_OCTETS = 102 * 1024
const MAX_MESSAGE_OCTETS = 25 * 1024 * 1024
/** Most findings of one check. */
const MAX_FINDINGS = 100
const OWN = 'rule of Sealpost'

/** Yields findings, and pauses. */
type Findings = Generator<Finding | undefined, void, void>
type Found = Pick<Finding, 'level' | 'message' | 'source'> & Partial<Finding>

const finding = (check: Finding['check'], found: Found): Finding => ({
  check,
  line: null,
  at: null,
  clients: [],
  ...found,
})

/** The parts of a message that checks examine. */
interface CheckedMessage {
  readonly message: ReadableMessage
  /** The beginning of the HTML. */
  readonly html: string
  readonly authentication: MessageAuthentication | null
  /** The opinion of the spam filter. Without one, Sealpost's own few rules judge. */
  readonly spam?: SpamVerdict | undefined
}

/** Returns what is wrong with a message, at most 100 findings of each check, in steps. */
export function* checkMessage({ message, html, authentication, spam }: CheckedMessage): Steps<Finding[]> {
  const tags = yield* tagsOf(html)
  const all: Finding[] = []
  for (const found of [
    htmlSupport(tags),
    links(message, tags),
    images(tags),
    accessibility(html, tags),
    unsubscribe(message, authentication),
    headers(message, authentication),
    size(message, html, tags),
    spam ? spamVerdict(spam) : spamRules(message, html),
    verdicts(authentication),
  ])
    all.push(...(yield* firstOf(found)))
  return all
}

function* firstOf(found: Findings): Steps<Finding[]> {
  const first: Finding[] = []
  for (const one of found) {
    if (one !== undefined && first.push(one) === MAX_FINDINGS) break
    yield
  }
  return first
}

const TRACKING = /[?&](?:utm_\w+|mc_eid|fbclid|gclid)=/i

function* links(message: ReadableMessage, tags: readonly Tag[]): Findings {
  for (const { name, attributes, line, at, text } of tags) {
    yield undefined
    const target = attributes.get('href')?.trim()
    if (name !== 'a' || target === undefined) continue
    if (target === '' || target === '#') {
      yield finding('links', {
        level: 'error',
        message: 'a link has no target',
        line,
        at,
        source: 'HTML, the a element',
      })
      continue
    }
    if (!/^[a-z][a-z0-9+.-]*:/i.test(target)) {
      if (!target.startsWith('#'))
        yield finding('links', {
          level: 'error',
          message: `${shortenText(target)} is not absolute`,
          line,
          at,
          source: 'RFC 3986 section 4.3',
        })
      continue
    }
    const url = parseUrl(target)
    if (!url) {
      yield finding('links', {
        level: 'error',
        message: `${shortenText(target)} is not a URL`,
        line,
        at,
        source: 'https://url.spec.whatwg.org',
      })
      continue
    }
    if (url.protocol === 'http:')
      yield finding('links', {
        level: 'warning',
        message: `${shortenText(target)} is not encrypted; write https`,
        line,
        at,
        source: OWN,
      })
    if (TRACKING.test(target))
      yield finding('links', {
        level: 'info',
        message: `${shortenText(target)} has tracking parameters`,
        line,
        at,
        source: OWN,
      })
    const shown = hostIn(text.trim())
    if (shown && /^https?:$/.test(url.protocol) && organization(shown) !== organization(url.hostname))
      yield finding('links', {
        level: 'error',
        message: `the text names ${shown}, the target ${url.hostname}`,
        line,
        at,
        clients: ['spam filters'],
        source: OWN,
      })
  }
  if (tags.length > 0) return
  for (const { href } of message.links.slice(0, MAX_FINDINGS))
    if (href.startsWith('http:'))
      yield finding('links', {
        level: 'warning',
        message: `${shortenText(href)} is not encrypted; write https`,
        source: OWN,
      })
}

const shortenText = (text: string): string => (text.length > 100 ? `${text.slice(0, 100)}…` : text)

/** Returns the host that the text of a link names: the text begins as a URL does, or it is a name with a known public suffix. */
function hostIn(text: string): string | undefined {
  const written = /^(?:https?:\/\/|(?=www\.))([^\s/?#]+)/i.exec(text)?.[1]
  const isName = /^[\p{L}\p{N}.-]+$/u.test(text) && parse(text, { extractHostname: false }).isIcann === true
  const named = written ?? (isName && text.includes('.') ? text : undefined)
  // A text that is cut names no whole host.
  return named === undefined || /…|\.\.\./.test(named) ? undefined : parseUrl(`https://${named}`)?.hostname
}

/** Returns the registrable domain of a host, or the host if it has none. */
const organization = (host: string): string =>
  getDomain(host, { allowPrivateDomains: true, extractHostname: false }) ?? host

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

function* images(tags: readonly Tag[]): Findings {
  for (const { name, attributes, line, at } of tags) {
    yield undefined
    if (name !== 'img') continue
    const src = attributes.get('src') ?? ''
    const isPixel = [attributes.get('width'), attributes.get('height')].every((one) => one === '1' || one === '0')
    if (isPixel)
      yield finding('images', {
        level: 'info',
        message: `${shortenText(src)} is a tracking pixel`,
        line,
        at,
        source: OWN,
      })
    else if (!attributes.has('width'))
      yield finding('images', {
        level: 'info',
        message: `${shortenText(src)} has no width`,
        line,
        at,
        clients: ['Outlook (Windows)'],
        source: OWN,
      })
    if (/^http:/i.test(src))
      yield finding('images', {
        level: 'warning',
        message: `${shortenText(src)} is not encrypted; write https`,
        line,
        at,
        source: OWN,
      })
    if (/^data:/i.test(src))
      yield finding('images', {
        level: 'warning',
        message: 'an image is a data: URL',
        line,
        at,
        clients: ['Gmail', 'Outlook (Windows)'],
        source: 'https://www.caniemail.com/features/image-base64/',
      })
  }
}

function* accessibility(html: string, tags: readonly Tag[]): Findings {
  const root = tags.find(({ name }) => name === 'html')
  if (html !== '' && !root?.attributes.get('lang'))
    yield finding('accessibility', {
      level: 'warning',
      message: 'the html element has no lang',
      line: root?.line ?? 1,
      at: root?.at ?? null,
      source: 'WCAG 2.2, 3.1.1',
    })
  for (const { name, attributes, line, at } of tags) {
    yield undefined
    if (name === 'img' && !attributes.has('alt'))
      yield finding('accessibility', {
        level: 'error',
        message: `an image has no alt: ${shortenText(attributes.get('src') ?? '')}`,
        line,
        at,
        source: 'WCAG 2.2, 1.1.1',
      })
    if (
      name === 'table' &&
      !/^(?:presentation|none)$/.test(attributes.get('role') ?? '') &&
      attributes.has('cellpadding')
    )
      yield finding('accessibility', {
        level: 'info',
        message: 'a table for the layout has no role="presentation"',
        line,
        at,
        source: 'WCAG 2.2, 1.3.1',
      })
  }
}

function* unsubscribe(
  { headers: fields, raw }: ReadableMessage,
  authentication: MessageAuthentication | null,
): Findings {
  const list = fields.get('list-unsubscribe')
  const post = fields.get('list-unsubscribe-post')
  if (list === undefined) {
    if (fields.has('list-id') || post !== undefined || /^bulk$/i.test(fields.get('precedence') ?? ''))
      yield finding('unsubscribe', {
        level: 'error',
        message: 'bulk mail has no List-Unsubscribe',
        clients: ['Gmail', 'Yahoo! Mail'],
        source: 'RFC 2369 section 3.2',
      })
    return
  }
  const targets = [...list.matchAll(/<([^<>]*)>/g)].map(([, target = '']) => target.trim())
  if (targets.length === 0)
    yield finding('unsubscribe', {
      level: 'error',
      message: 'List-Unsubscribe has no URL in angle brackets',
      source: 'RFC 2369 section 2',
    })
  const hasHttps = targets.some((target) => /^https:/i.test(target))
  if (post === undefined) {
    yield finding('unsubscribe', {
      level: 'warning',
      message: 'List-Unsubscribe-Post is missing, so one click is not enough',
      clients: ['Gmail', 'Yahoo! Mail'],
      source: 'RFC 8058 section 3.1',
    })
    return
  }
  if (post.trim() !== 'List-Unsubscribe=One-Click')
    yield finding('unsubscribe', {
      level: 'error',
      message: 'List-Unsubscribe-Post is not List-Unsubscribe=One-Click',
      source: 'RFC 8058 section 3.1',
    })
  if (!hasHttps)
    yield finding('unsubscribe', {
      level: 'error',
      message: 'one-click needs an https URL in List-Unsubscribe',
      source: 'RFC 8058 section 3.1',
    })
  // The results are in the order of the fields.
  const isCovered = headerValues(raw, headerFields(raw), 'DKIM-Signature').some((value, index) => {
    if (authentication !== null && authentication.dkim[index]?.result !== 'pass') return false
    const [, names = ''] = /(?:^|;)\s*h\s*=([^;]*)/i.exec(value) ?? []
    const signed = names.split(':').map((name) => name.trim().toLowerCase())
    return signed.includes('list-unsubscribe') && signed.includes('list-unsubscribe-post')
  })
  if (!isCovered)
    yield finding('unsubscribe', {
      level: 'error',
      message: 'no valid DKIM signature covers List-Unsubscribe and List-Unsubscribe-Post',
      source: 'RFC 8058 section 4',
    })
}

function* headers(
  { headers: fields, from, date }: ReadableMessage,
  authentication: MessageAuthentication | null,
): Findings {
  if (date === undefined || Number.isNaN(date.getTime()))
    yield finding('headers', {
      level: 'error',
      message: 'Date is missing or not a date',
      source: 'RFC 5322 section 3.6.1',
    })
  if (!/^<[^\s<>@]+@[^\s<>@]+>$/.test((fields.get('message-id') ?? '').trim()))
    yield finding('headers', {
      level: 'warning',
      message: 'Message-ID is missing or malformed',
      source: 'RFC 5322 section 3.6.4',
    })
  if (from === undefined)
    yield finding('headers', { level: 'error', message: 'From has no address', source: 'RFC 5322 section 3.6.2' })
  if ((fields.get('subject') ?? '') === '')
    yield finding('headers', {
      level: 'warning',
      message: 'the message has no subject',
      source: 'RFC 5322 section 3.6.5',
    })
  if (authentication && !authentication.dmarc.spfAligned && !authentication.dmarc.dkimAligned)
    yield finding('headers', {
      level: 'warning',
      message: 'neither SPF nor DKIM is aligned with From',
      source: 'RFC 9989 section 4.4',
    })
}

function* size({ raw }: ReadableMessage, html: string, tags: readonly Tag[]): Findings {
  if (Buffer.byteLength(html) > GMAIL_CLIP_OCTETS) {
    const shown = Buffer.from(html).subarray(0, GMAIL_CLIP_OCTETS).toString('utf8').length
    const clipped = tags.find(({ at }) => at >= shown)
    yield finding('size', {
      level: 'error',
      message: 'the HTML has more than 102 KB: Gmail shows only its beginning',
      line: clipped?.line ?? null,
      at: clipped?.at ?? null,
      clients: ['Gmail'],
      source: 'Gmail',
    })
  }
  if (raw.length > MAX_MESSAGE_OCTETS)
    yield finding('size', {
      level: 'error',
      message: 'the message has more than 25 MiB',
      clients: ['Gmail', 'Outlook.com'],
      source: 'Gmail, Exchange Online',
    })
}

function* spamVerdict({ program, isSpam, score, threshold, rules }: SpamVerdict): Findings {
  const found = (level: Finding['level'], message: string): Finding =>
    finding('spam', { level, message, clients: ['spam filters'], source: program })
  yield found(isSpam ? 'error' : 'info', `the score is ${score}; from ${threshold}, a message is spam`)
  for (const rule of rules)
    if (rule.score !== 0)
      yield found(rule.score > 0 ? 'warning' : 'info', `${rule.name} (${rule.score}): ${shortenText(rule.description)}`)
}

function* spamRules(message: ReadableMessage, html: string): Findings {
  const { subject } = message
  const rule = (found: string): Finding =>
    finding('spam', { level: 'warning', message: found, clients: ['spam filters'], source: OWN })
  if (/\p{Lu}{2}/u.test(subject) && subject === subject.toUpperCase() && subject.length > 8)
    yield rule('the subject is in capitals')
  if (/[!?]{3}/.test(subject)) yield rule('the subject has many exclamation or question marks')
  if (html !== '' && (yield* message.textInSteps()).trim().length < 20) yield rule('the HTML has almost no text')
  for (const { filename = '' } of yield* message.attachmentsInSteps())
    if (/\.(?:exe|scr|js|vbs|bat|cmd|com|pif|jar|lnk|iso)$/i.test(filename))
      yield rule(`${shortenText(filename)} is a program`)
}

function* verdicts(authentication: MessageAuthentication | null): Findings {
  if (authentication === null) return
  const { spf, dkim, dmarc } = authentication
  const isBad = (result: string): boolean => /^(?:fail|softfail|permerror|temperror|policy)$/.test(result)
  const say = (
    what: string,
    { result, reason }: { result: string; reason?: string | undefined },
    source: string,
  ): Finding =>
    finding('authentication', {
      level: isBad(result) ? 'error' : 'info',
      message: `${what}: ${result}${reason ? `, ${reason}` : ''}`,
      source,
    })
  if (spf.result !== 'pass') yield say('SPF', spf, 'RFC 7208 section 2.6')
  if (dkim.length === 0)
    yield finding('authentication', { level: 'warning', message: 'DKIM: no signature', source: 'RFC 6376' })
  for (const one of dkim) if (one.result !== 'pass') yield say(`DKIM of ${one.domain}`, one, 'RFC 6376 section 3.9')
  if (dmarc.result !== 'pass') yield say('DMARC', dmarc, 'RFC 9989 section 5.3')
}
