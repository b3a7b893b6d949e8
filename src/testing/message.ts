import type { Directory } from '../directory/types.ts'
import { ReadableMessage } from '../mail/readable.ts'
import type { SessionRecord } from '../sessions/types.ts'
import type { Arrival } from './arrivals.ts'

/** The facts about a delivered message that its octets do not contain. */
export interface MessageFacts {
  /** MAIL FROM and RCPT TO; the header may differ. */
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  /** The envelope's recipients who received this copy. */
  readonly recipients: readonly string[]
  /** The account whose mailbox holds it; undefined for captured mail to other domains. */
  readonly user: string | undefined
  /** The mailbox that holds it now. */
  readonly folder: string
  readonly uid: number
  readonly flags: readonly string[]
  /** The time of arrival by the lab's clock. */
  readonly receivedAt: Date
  /** The session that delivered it; undefined for `lab.deliver`, and once the session log has dropped the session. */
  readonly session: SessionRecord | undefined
}

/** A delivered message. Its parts are decoded when first read. */
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

  /** All facts except the octets, as plain data. */
  get facts(): MessageFacts {
    const { envelope, recipients, user, folder, uid, flags, receivedAt, session } = this
    return { envelope, recipients, user, folder, uid, flags, receivedAt, session }
  }
}

/** Collects the facts about a message from its arrival and the session that delivered it. */
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

/** An article of a newsgroup. Its parts are decoded when first read. */
export class LabArticle extends ReadableMessage {
  /** Its number in the group. */
  readonly number: number

  constructor(number: number, raw: Buffer) {
    super(raw)
    this.number = number
  }
}

/** Conditions that all must hold. A string matches anywhere in the field, in any case. */
export interface MessageFilter {
  /** An address of the envelope or a user name, whole but in any case; or a pattern. */
  readonly to?: string | RegExp
  /** MAIL FROM or the From field. */
  readonly from?: string | RegExp
  readonly subject?: string | RegExp
  /** The text or the HTML. */
  readonly text?: string | RegExp
  readonly folder?: string
  readonly matches?: (message: LabMessage) => boolean
}

/** Returns whether a message satisfies a filter. */
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

/** Compares whole addresses of the recipients of this copy, and the user name. */
function isTo({ recipients, user }: LabMessage, to: string | RegExp): boolean {
  const names = user === undefined ? recipients : [...recipients, user]
  if (to instanceof RegExp) return names.some((name) => test(to, name))
  return names.some((name) => name.toLowerCase() === to.toLowerCase())
}

const has = (pattern: string | RegExp, value: string): boolean =>
  typeof pattern === 'string' ? value.toLowerCase().includes(pattern.toLowerCase()) : test(pattern, value)

/** Returns whether a pattern matches. Resets it first, because a pattern with the `g` or `y` flag keeps its last position. */
function test(pattern: RegExp, value: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(value)
}
