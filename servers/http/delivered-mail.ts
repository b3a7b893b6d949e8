import type { Api } from '../../src/api/api.ts'
import type { Caller } from '../../src/api/caller.ts'
import { findMessages } from '../../src/api/messages/find.ts'
import type { IndexedMessage } from '../../src/api/messages/message-index.ts'
import type { Condition } from '../../src/api/messages/search.ts'
import { notFound } from '../../src/api/problem.ts'
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

/**
 * The mail that a caller sees, as a server with a single mailbox would have received it. Drafts, sent copies and articles
 * are left out: they have no envelope.
 */
export class DeliveredMail {
  readonly #api: Api
  readonly #caller: Caller
  /** The newest first. */
  readonly all: readonly Mail[]
  /** Copies of a message share its octets. */
  readonly #byBlob: ReadonlyMap<string, Mail>

  private constructor(api: Api, caller: Caller, byBlob: ReadonlyMap<string, Mail>) {
    this.#api = api
    this.#caller = caller
    this.#byBlob = byBlob
    this.all = [...byBlob.values()].reverse()
  }

  static async of(api: Api, caller: Caller): Promise<DeliveredMail> {
    const byBlob = new Map<string, Mail & { readonly copies: [IndexedMessage, ...IndexedMessage[]] }>()
    const newestFirst = await findMessages(api, caller, [])
    for (let at = newestFirst.length - 1; at >= 0; at--) {
      const message = newestFirst[at] as IndexedMessage
      if (!message.entry.envelope) continue
      const mail = byBlob.get(message.entry.blob)
      if (mail) mail.copies.push(message)
      else byBlob.set(message.entry.blob, { id: message.id, copies: [message], caller })
    }
    return new DeliveredMail(api, caller, byBlob)
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
  async matching(conditions: readonly Condition[]): Promise<readonly Mail[]> {
    if (conditions.length === 0) return this.all
    const copies = await findMessages(this.#api, this.#caller, conditions)
    const found = new Set(copies.flatMap(({ entry }) => this.#byBlob.get(entry.blob) ?? []))
    return this.all.filter((mail) => found.has(mail))
  }
}

/** Changes the flags of every copy. */
export async function changeFlags(api: Api, mails: readonly Mail[], change: FlagChange): Promise<void> {
  for (const [folderId, uids] of uidsByFolder(mails)) await api.lab.store.setFlags(folderId, uids, change)
}

/** Deletes every copy. */
export async function deleteMails(api: Api, mails: readonly Mail[]): Promise<void> {
  for (const [folderId, uids] of uidsByFolder(mails)) await api.lab.store.expunge(folderId, uids)
}

/** Returns the uids of all copies, in ascending order. */
function uidsByFolder(mails: readonly Mail[]): Map<string, number[]> {
  const found = new Map<string, number[]>()
  for (const { folder, entry } of mails.flatMap(({ copies }) => copies)) {
    const uids = found.get(folder.id)
    if (uids) uids.push(entry.uid)
    else found.set(folder.id, [entry.uid])
  }
  for (const uids of found.values()) uids.sort((a, b) => a - b)
  return found
}
