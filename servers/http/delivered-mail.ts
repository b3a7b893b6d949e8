import type { Api } from '../../src/api/api.ts'
import type { Caller } from '../../src/api/caller.ts'
import { deleteMessages, setFlags } from '../../src/api/messages/bulk.ts'
import type { IndexedMessage } from '../../src/api/messages/message-index.ts'
import type { Condition } from '../../src/api/messages/search.ts'
import { tagsOf } from '../../src/api/messages/summary.ts'
import { notFound } from '../../src/api/problem.ts'
import { isSliceOver, nextSlice } from '../../src/common/time-slice.ts'
import type { FlagChange } from '../../src/store/types.ts'

/** A message as Mailpit and MailHog show it: once, however many mailboxes have a copy. */
export interface Mail {
  /** The id of the first copy. */
  readonly id: string
  /** In order of arrival; at least one. */
  readonly copies: readonly [IndexedMessage, ...IndexedMessage[]]
  /** Who reads it. */
  readonly caller: Caller
}

/** Messages, the newest first, and what is counted of them once. */
export class MailList {
  readonly mails: readonly Mail[]
  #unread: number | undefined
  #tags: readonly string[] | undefined

  constructor(mails: readonly Mail[]) {
    this.mails = mails
  }

  /** How many messages nobody has read. */
  get unread(): number {
    this.#unread ??= this.mails.reduce((count, mail) => count + (isRead(mail) ? 0 : 1), 0)
    return this.#unread
  }

  /** Every tag that a message has, sorted. */
  get tags(): readonly string[] {
    this.#tags ??= [...new Set(this.mails.flatMap(mailTags))].sort()
    return this.#tags
  }
}

/** Returns whether every copy of a message has been read. */
export const isRead = ({ copies }: Mail): boolean => copies.every(({ entry }) => entry.flags.includes('\\Seen'))

/** Returns the tags of all copies, sorted. */
export function mailTags({ copies }: Mail): string[] {
  // Nearly all messages have none.
  if (copies.every(({ entry }) => entry.flags.length === 0)) return []
  return [...new Set(copies.flatMap(({ entry }) => tagsOf(entry)))].sort()
}

/**
 * The mail that a caller sees, as a server with a single mailbox would have received it. Drafts, sent copies and articles
 * are left out: they have no envelope.
 */
export class DeliveredMail {
  readonly #api: Api
  readonly #caller: Caller
  readonly all: MailList
  /** Copies of a message share its octets. */
  readonly #byBlob: ReadonlyMap<string, Mail>
  /** What was searched, by the list of copies. */
  readonly #matching = new WeakMap<readonly IndexedMessage[], MailList>()

  private constructor(api: Api, caller: Caller, byBlob: ReadonlyMap<string, Mail>) {
    this.#api = api
    this.#caller = caller
    this.#byBlob = byBlob
    this.all = new MailList([...byBlob.values()].reverse())
  }

  static async of(api: Api, caller: Caller): Promise<DeliveredMail> {
    const list = await api.views.find(caller, [])
    const known = deliveredMail.get(list)
    if (known) return known
    const grouped = groupedByBlob(list, caller).then((byBlob) => new DeliveredMail(api, caller, byBlob))
    deliveredMail.set(list, grouped)
    api.views.attach(list, MAIL_OCTETS * list.length)
    return grouped
  }

  /** Returns a message by the id of one of its copies. */
  find(id: string): Mail | undefined {
    const mail = this.#byBlob.get(this.#api.index.get(id)?.entry.blob ?? '')
    return mail?.copies.some((copy) => copy.id === id) ? mail : undefined
  }

  /** Returns a message by the id of one of its copies. @throws ApiProblem `not-found` */
  get(id: string): Mail {
    const found = this.find(id)
    if (found) return found
    throw notFound(`there is no message ${id}; it was deleted, or it belongs to someone else`)
  }

  /** Returns the messages of which a copy meets all conditions, the newest first. */
  async matching(conditions: readonly Condition[]): Promise<MailList> {
    if (conditions.length === 0) return this.all
    const copies = await this.#api.views.find(this.#caller, conditions)
    const known = this.#matching.get(copies)
    if (known) return known
    const found = new Set(copies.flatMap(({ entry }) => this.#byBlob.get(entry.blob) ?? []))
    const list = new MailList(this.all.mails.filter((mail) => found.has(mail)))
    this.#matching.set(copies, list)
    return list
  }
}

/** A list of messages is the same array while nothing changes. All callers with that list see the same. */
const deliveredMail = new WeakMap<readonly IndexedMessage[], Promise<DeliveredMail>>()
/** Memory of one message in it. */
const MAIL_OCTETS = 200

async function groupedByBlob(newestFirst: readonly IndexedMessage[], caller: Caller): Promise<Map<string, Mail>> {
  const byBlob = new Map<string, Mail & { readonly copies: [IndexedMessage, ...IndexedMessage[]] }>()
  for (let at = newestFirst.length - 1; at >= 0; at--) {
    const message = newestFirst[at] as IndexedMessage
    if (isSliceOver()) await nextSlice()
    if (!message.entry.envelope) continue
    const mail = byBlob.get(message.entry.blob)
    if (mail) mail.copies.push(message)
    else byBlob.set(message.entry.blob, { id: message.id, copies: [message], caller })
  }
  return byBlob
}

const copiesOf = (mails: readonly Mail[]): IndexedMessage[] => mails.flatMap(({ copies }) => [...copies])

/** Changes the flags of every copy. */
export const changeFlags = (api: Api, mails: readonly Mail[], change: FlagChange): Promise<void> =>
  setFlags(api, copiesOf(mails), change)

/** Deletes every copy. */
export async function deleteMails(api: Api, mails: readonly Mail[]): Promise<void> {
  await deleteMessages(api, copiesOf(mails))
}
