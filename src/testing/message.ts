import type { Directory } from '../directory/types.ts'
import { ReadableMessage } from '../mail/readable.ts'
import type { SessionRecord } from '../sessions/types.ts'
import type { Arrival } from './arrivals.ts'

/** A message as test code sees it. Everything is decoded when it is first asked for. */
export class LabMessage extends ReadableMessage {
  /** MAIL FROM and RCPT TO, whatever the header says. */
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  /** Those of the envelope's recipients whose copy this is. */
  readonly recipients: readonly string[]
  /** The account whose mailbox it is in; undefined for mail to other domains that the lab captured. */
  readonly user: string | undefined
  /** The mailbox it is in now. */
  readonly folder: string
  readonly uid: number
  readonly flags: readonly string[]
  /** When it arrived. */
  readonly receivedAt: Date
  /** The session that brought it, while it is on record; undefined for `lab.deliver`. */
  readonly session: SessionRecord | undefined

  constructor(arrival: Arrival, raw: Buffer, directory: Directory, session: SessionRecord | undefined) {
    super(raw)
    const { entry, folder, owner } = arrival
    this.envelope = { from: entry.envelope?.mailFrom ?? '', to: entry.envelope?.rcptTo ?? [] }
    this.user = owner.startsWith('user:') ? owner.slice('user:'.length) : undefined
    this.recipients = this.envelope.to.filter((address) => directory.findByAddress(address)?.user === this.user)
    this.folder = folder.name
    this.uid = entry.uid
    this.flags = entry.flags
    this.receivedAt = new Date(entry.savedAt)
    this.session = session
  }
}

/** An article as test code sees it. */
export class LabArticle extends ReadableMessage {
  /** Its number in the group. */
  readonly number: number

  constructor(number: number, raw: Buffer) {
    super(raw)
    this.number = number
  }
}

/** What to look for; every condition must hold. A string is found anywhere in the field without regard to case. */
export interface MessageFilter {
  /** A recipient: of the envelope, or a user name. */
  readonly to?: string | RegExp
  /** MAIL FROM, or the From field. */
  readonly from?: string | RegExp
  readonly subject?: string | RegExp
  /** In the text or the HTML. */
  readonly text?: string | RegExp
  readonly folder?: string
  readonly matches?: (message: LabMessage) => boolean
}

/** Whether a message is what a filter asks for. */
export function matches(message: LabMessage, filter: MessageFilter): boolean {
  const { to, from, subject, text, folder } = filter
  if (folder !== undefined && folder !== message.folder) return false
  if (to !== undefined && !isTo(message, to)) return false
  if (from !== undefined && !has(from, message.envelope.from) && !has(from, message.headers.get('from') ?? ''))
    return false
  if (subject !== undefined && !has(subject, message.subject)) return false
  if (text !== undefined && !has(text, message.text) && !has(text, message.html ?? '')) return false
  return filter.matches?.(message) ?? true
}

/** An address is that of a recipient whose copy this is, whole; without an `@`, a user name. */
function isTo({ recipients, user }: LabMessage, to: string | RegExp): boolean {
  const names = user === undefined ? recipients : [...recipients, user]
  if (to instanceof RegExp) return names.some((name) => found(to, name))
  return names.some((name) => name.toLowerCase() === to.toLowerCase())
}

const has = (wanted: string | RegExp, value: string): boolean =>
  typeof wanted === 'string' ? value.toLowerCase().includes(wanted.toLowerCase()) : found(wanted, value)

/** A `g` or `y` pattern remembers where it was: it starts anew each time. */
function found(pattern: RegExp, value: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(value)
}
