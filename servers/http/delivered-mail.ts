import type { Api } from '../../src/api/api.ts'
import type { Caller } from '../../src/api/caller.ts'
import { deleteMessages, setFlags } from '../../src/api/messages/bulk.ts'
import { compareArrival, type IndexedMessage, placeIn } from '../../src/api/messages/message-index.ts'
import type { Condition } from '../../src/api/messages/search.ts'
import { tagsOf } from '../../src/api/messages/summary.ts'
import { notFound } from '../../src/api/problem.ts'
import { isSliceOver, nextSlice } from '../../src/core/time/time-slice.ts'
import type { FlagChange } from '../../src/storage/store/types.ts'

/** The copies of a message in mailboxes, in order of arrival. */
type Copies = readonly [IndexedMessage, ...IndexedMessage[]]

/** A message as Mailpit, MailHog and others show it: once, however many mailboxes have a copy. */
export interface Mail {
  /** The id of the first copy. */
  readonly id: string
  readonly copies: Copies
  /** Whether every copy has been read. */
  readonly isRead: boolean
  /** The tags of all copies, sorted. */
  readonly tags: readonly string[]
  /** The caller that reads it. */
  readonly caller: Caller
}

/** Returns the message that some copies are of, as they are now. */
export const mailOfCopies = (copies: Copies, caller: Caller): Mail => ({
  id: copies[0].id,
  copies,
  isRead: copies.every(({ entry }) => entry.flags.includes('\\Seen')),
  tags: tagsOfCopies(copies),
  caller,
})

/** Returns the copies whose octets are read. */
export const firstCopies = (mails: readonly Mail[]): IndexedMessage[] => mails.map(({ copies: [first] }) => first)

const NO_TAGS: readonly string[] = []

function tagsOfCopies(copies: Copies): readonly string[] {
  // Nearly all messages have no flags.
  if (copies.every(({ entry }) => entry.flags.length === 0)) return NO_TAGS
  return [...new Set(copies.flatMap(({ entry }) => tagsOf(entry)))].sort()
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
    this.#unread ??= this.mails.reduce((count, { isRead }) => count + (isRead ? 0 : 1), 0)
    return this.#unread
  }

  /** Every tag that a message has, sorted. */
  get tags(): readonly string[] {
    this.#tags ??= [...new Set(this.mails.flatMap(({ tags }) => tags))].sort()
    return this.#tags
  }
}

/**
 * The mail that a caller sees, as a server with a single mailbox would have received it. Drafts, sent copies and articles
 * are left out: they have no envelope.
 */
export class DeliveredMail {
  readonly #api: Api
  readonly #caller: Caller
  readonly all: MailList
  /** The list that `all` was made of. */
  readonly #list: readonly IndexedMessage[]
  /** Copies of a message share its octets. Shared with what follows, so it is as new as the latest of them. */
  readonly #byBlob: Map<string, Mail>
  /** The results of searches, by the list of copies. */
  readonly #matching = new WeakMap<readonly IndexedMessage[], MailList>()

  private constructor(from: DeliveredFrom, list: readonly IndexedMessage[], mails: readonly Mail[]) {
    this.#api = from.api
    this.#caller = from.caller
    this.#byBlob = from.byBlob
    this.#list = list
    this.all = new MailList(mails)
  }

  static async of(api: Api, caller: Caller): Promise<DeliveredMail> {
    const list = await api.views.find(caller, [])
    const view = api.views.viewOf(list, MAIL_OCTETS * list.length)
    const known = view && latest.get(view)
    if (known?.list === list) return known.delivered
    const delivered = known
      ? known.delivered.then((before) => before.#updated(list))
      : DeliveredMail.#grouped(api, caller, list)
    if (view) latest.set(view, { list, delivered })
    return delivered
  }

  static async #grouped(api: Api, caller: Caller, list: readonly IndexedMessage[]): Promise<DeliveredMail> {
    const groups = new Map<string, [IndexedMessage, ...IndexedMessage[]]>()
    for (let at = list.length - 1; at >= 0; at--) {
      const message = list[at] as IndexedMessage
      if (isSliceOver()) await nextSlice()
      if (!message.entry.envelope) continue
      const copies = groups.get(message.entry.blob)
      if (copies) copies.push(message)
      else groups.set(message.entry.blob, [message])
    }
    const byBlob = new Map<string, Mail>()
    for (const [blob, copies] of groups) {
      if (isSliceOver()) await nextSlice()
      byBlob.set(blob, mailOfCopies(copies, caller))
    }
    return new DeliveredMail({ api, caller, byBlob }, list, [...byBlob.values()].reverse())
  }

  /** Returns what a later list of the same view contains. Groups only the messages that differ. */
  #updated(list: readonly IndexedMessage[]): DeliveredMail | Promise<DeliveredMail> {
    const { gone, added } = differenceOf(this.#list, list)
    if (gone.length + added.length > MAX_DIFFERENT) return DeliveredMail.#grouped(this.#api, this.#caller, list)
    const arrived = added.filter(({ entry }) => entry.envelope)
    const mails = [...this.all.mails]
    for (const blob of new Set([...gone, ...arrived].map(({ entry }) => entry.blob))) {
      const before = this.#byBlob.get(blob)
      const kept = before?.copies.filter((copy) => !gone.includes(copy)) ?? []
      const [first, ...others] = [...kept, ...arrived.filter(({ entry }) => entry.blob === blob)].sort(compareArrival)
      if (before) mails.splice(insertionIndex(before.copies[0], mails), 1)
      if (!first) this.#byBlob.delete(blob)
      else {
        const mail = mailOfCopies([first, ...others], this.#caller)
        mails.splice(insertionIndex(first, mails), 0, mail)
        this.#byBlob.set(blob, mail)
      }
    }
    return new DeliveredMail({ api: this.#api, caller: this.#caller, byBlob: this.#byBlob }, list, mails)
  }

  /** Returns a message by the id of one of its copies. */
  async find(id: string): Promise<Mail | undefined> {
    const mail = this.#byBlob.get((await this.#api.index.find(id))?.entry.blob ?? '')
    return mail?.copies.some((copy) => copy.id === id) ? mail : undefined
  }

  /** Returns a message by the id of one of its copies. @throws ApiProblem `not-found` */
  async get(id: string): Promise<Mail> {
    const found = await this.find(id)
    if (found) return found
    throw notFound(`there is no message ${id}; it was deleted, or it belongs to someone else`)
  }

  /** Returns the messages of which one of the ids names a copy. */
  async some(ids: readonly string[]): Promise<Mail[]> {
    const found: Mail[] = []
    for (const id of ids) {
      const mail = await this.find(id)
      if (mail) found.push(mail)
    }
    return found
  }

  /** Returns the messages of which a copy meets all conditions, the newest first. */
  async matching(conditions: readonly Condition[]): Promise<MailList> {
    if (conditions.length === 0) return this.all
    const copies = await this.#api.views.find(this.#caller, conditions)
    const known = this.#matching.get(copies)
    if (known) return known
    const list = new MailList(matchingMails(this.all.mails, copies))
    this.#matching.set(copies, list)
    return list
  }
}

interface DeliveredFrom {
  readonly api: Api
  readonly caller: Caller
  readonly byBlob: Map<string, Mail>
}

/** The latest mail of each view of messages. All callers with that view see the same. */
const latest = new WeakMap<
  object,
  { readonly list: readonly IndexedMessage[]; readonly delivered: Promise<DeliveredMail> }
>()
/** Memory of one message in it. */
const MAIL_OCTETS = 200
/** Lists that differ by more messages are grouped from the beginning, in slices. */
const MAX_DIFFERENT = 200

/** Returns what only the earlier and only the later of two lists has, the newest first. A changed message is in both. */
function differenceOf(
  before: readonly IndexedMessage[],
  after: readonly IndexedMessage[],
): { gone: IndexedMessage[]; added: IndexedMessage[] } {
  const [gone, added]: [IndexedMessage[], IndexedMessage[]] = [[], []]
  for (let [old, next] = [0, 0]; old < before.length || next < after.length; ) {
    const [left, right] = [before[old], after[next]]
    if (left !== right) {
      const isOld = left !== undefined && (right === undefined || compareArrival(left, right) >= 0)
      const isNext = right !== undefined && (left === undefined || compareArrival(right, left) >= 0)
      if (isOld) gone.push(left)
      if (isNext) added.push(right)
      old += isOld ? 1 : 0
      next += isNext ? 1 : 0
    } else {
      old++
      next++
    }
  }
  return { gone, added }
}

/** Returns the messages of which a copy is in a list. Everything is ordered, the newest first. */
function matchingMails(mails: readonly Mail[], found: readonly IndexedMessage[]): Mail[] {
  const oldestFirst = found.toReversed()
  const isFound = (copy: IndexedMessage): boolean => oldestFirst[placeIn(oldestFirst, copy)]?.id === copy.id
  return mails.filter(({ copies }) => copies.some(isFound))
}

/** Returns where a message is, or belongs, by its first copy in a list with the newest first. */
function insertionIndex(first: IndexedMessage, list: readonly Mail[]): number {
  let [low, high] = [0, list.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (compareArrival((list[middle] as Mail).copies[0], first) > 0) low = middle + 1
    else high = middle
  }
  return low
}

const copiesOf = (mails: readonly Mail[]): IndexedMessage[] => mails.flatMap(({ copies }) => [...copies])

/** Changes the flags of every copy. */
export const changeFlags = (api: Api, mails: readonly Mail[], change: FlagChange): Promise<void> =>
  setFlags(api, copiesOf(mails), change)

/** Deletes every copy. */
export async function deleteMails(api: Api, mails: readonly Mail[]): Promise<void> {
  await deleteMessages(api, copiesOf(mails))
}
