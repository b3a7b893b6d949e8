import type { Directory } from '../directory/types.ts'
import { ReadableMessage } from '../mail/readable.ts'
import type { SessionRecord } from '../sessions/types.ts'
import type { Arrival } from './arrivals.ts'

/** What is known of a delivered message beside its octets. */
export interface MessageFacts {
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
}

/** A message as test code sees it. Everything is decoded when it is first asked for. */
export class LabMessage extends ReadableMessage implements MessageFacts {
  readonly envelope: MessageFacts['envelope']
  readonly recipients: readonly string[]
  readonly user: string | undefined
  readonly folder: string
  readonly uid: number
  readonly flags: readonly string[]
  readonly receivedAt: Date
  readonly session: SessionRecord | undefined

  constructor(raw: Buffer, facts: MessageFacts) {
    super(raw)
    this.envelope = facts.envelope
    this.recipients = facts.recipients
    this.user = facts.user
    this.folder = facts.folder
    this.uid = facts.uid
    this.flags = facts.flags
    this.receivedAt = facts.receivedAt
    this.session = facts.session
  }

  /** All but the octets, as plain data. */
  get facts(): MessageFacts {
    const { envelope, recipients, user, folder, uid, flags, receivedAt, session } = this
    return { envelope, recipients, user, folder, uid, flags, receivedAt, session }
  }
}

/** What an arrival, and the session that brought it, tell of a message. */
export function factsOf(
  { entry, folder, owner }: Arrival,
  directory: Directory,
  session: SessionRecord | undefined,
): MessageFacts {
  const user = owner.startsWith('user:') ? owner.slice('user:'.length) : undefined
  const to = entry.envelope?.rcptTo ?? []
  return {
    envelope: { from: entry.envelope?.mailFrom ?? '', to },
    recipients: to.filter((address) => directory.findByAddress(address)?.user === user),
    user,
    folder: folder.name,
    uid: entry.uid,
    flags: entry.flags,
    receivedAt: new Date(entry.savedAt),
    session,
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
