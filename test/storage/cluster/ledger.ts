import type { Entrance } from '../../support/cluster.ts'
import { type Acknowledged, ask, hashOf, type Load } from './load.ts'

/** Messages of a mailbox. */
export interface Batch {
  readonly mailbox: string
  readonly messages: readonly { readonly uid: number; readonly messageId: string }[]
}

/** A mailbox or newsgroup as it was read last. */
interface Place {
  readonly messages: Map<number, string>
  /** The highest number that any message has had. */
  last: number
  uidValidity?: string
}

/**
 * The numbers that the clients of all nodes have seen: which message has which number. Numbers are never used again, and
 * every acknowledged message is there once, or a client has deleted it.
 */
export class Ledger {
  readonly #places = new Map<string, Place>()
  readonly #mailboxes: readonly string[]
  readonly #acknowledged = new Map<string, Acknowledged>()
  #skipped: ReadonlySet<string> = new Set()
  /** Messages that clients tried to delete, and those whose deletion was acknowledged. */
  readonly tried = new Set<string>()
  readonly deleted = new Set<string>()
  /** Messages that clients changed since the last `check` without learning the outcome. */
  uncertain = new Set<string>()
  /** Acknowledged messages that are there exactly once or were deleted. */
  checked = 0
  readonly faults: string[] = []

  /** @param mailboxes `USER/MAILBOX` */
  constructor(mailboxes: readonly string[] = ['alice/INBOX']) {
    this.#mailboxes = mailboxes
  }

  /** Reads what is new at a node, and compares everything with what was acknowledged. The loads must have ended. */
  async check(node: Entrance, loads: readonly Load[]): Promise<void> {
    for (const mailbox of this.#mailboxes) await this.#readMail(node, mailbox)
    await this.#readNews(node)
    const found = new Map<string, string>()
    for (const [place, { messages }] of this.#places) {
      for (const [number, messageId] of messages) {
        const at = `${place} ${number}`
        if (found.has(messageId)) this.faults.push(`doubled: ${messageId} is ${found.get(messageId)} and ${at}`)
        if (this.deleted.has(messageId)) this.faults.push(`deleted, but there: ${messageId} is ${at}`)
        found.set(messageId, at)
      }
    }
    for (const messageId of this.#acknowledged.keys())
      if (!found.has(messageId) && !this.tried.has(messageId)) this.faults.push(`lost later: ${messageId}`)
    for (const one of loads.flatMap((load) => load.acknowledged)) this.#checkNew(one, found)
    for (const messageId of loads.flatMap((load) => load.notStored))
      if (found.has(messageId)) this.faults.push(`stored, against the reply: ${messageId} is ${found.get(messageId)}`)
    this.#skipped = this.uncertain
    this.uncertain = new Set()
  }

  /** Returns a user's messages in batches. A message whose last change has an unknown outcome is left out once. */
  batches(user: string, size: () => number): Batch[] {
    return [...this.#places].flatMap(([place, { messages }]) => {
      const [owner, mailbox = ''] = place.split('/')
      if (owner !== user) return []
      const all = [...messages].map(([uid, messageId]) => ({ uid, messageId }))
      const free = all.filter(({ messageId }) => !this.#skipped.has(messageId))
      const batches: Batch[] = []
      while (free.length > 0) batches.push({ mailbox, messages: free.splice(0, size()) })
      return batches
    })
  }

  #checkNew(one: Acknowledged, found: ReadonlyMap<string, string>): void {
    const { messageId, uid } = one
    if (this.#acknowledged.has(messageId)) this.faults.push(`acknowledged twice: ${messageId}`)
    this.#acknowledged.set(messageId, one)
    const at = found.get(messageId)
    if (at === undefined && !this.tried.has(messageId)) this.faults.push(`lost: ${messageId}`)
    // Nobody moves a message before the first `check` has found it.
    else if (uid !== undefined && at !== `alice/INBOX ${uid}`) this.faults.push(`${messageId} is ${at}, not ${uid}`)
    else this.checked++
  }

  async #readMail(node: Entrance, mailbox: string): Promise<void> {
    const [user, name] = mailbox.split('/')
    const place = this.#place(mailbox)
    using client = await node.imap(user)
    const selected = (await client.ok(`SELECT ${name}`)).join('\n')
    const uidValidity = /UIDVALIDITY (\d+)/.exec(selected)?.[1] ?? ''
    place.uidValidity ??= uidValidity
    if (place.uidValidity !== uidValidity) this.faults.push(`UIDVALIDITY of ${mailbox} changed to ${uidValidity}`)
    const listed = (await client.ok('UID FETCH 1:* (UID)')).map((line) => Number(/ \(UID (\d+)\)$/.exec(line)?.[1]))
    const uids = new Set(listed)
    for (const uid of place.messages.keys()) if (!uids.has(uid)) place.messages.delete(uid)
    for (const uid of uids)
      if (uid <= place.last && !place.messages.has(uid)) this.faults.push(`came back: ${mailbox} ${uid}`)
    const text = (await client.ok(`UID FETCH ${place.last + 1}:* (UID BODY.PEEK[])`)).join('\r\n')
    for (const part of text.split(/^\* \d+ FETCH \(/m).slice(1)) {
      const [, uid = 0, size = 0] = (/^UID (\d+) BODY\[\] \{(\d+)\}\r\n/.exec(part) ?? []).map(Number)
      const begin = part.indexOf('\r\n') + 2
      // The line end after the body is that of the transport.
      if (uid > place.last) this.#note(mailbox, uid, part.slice(begin, begin + size - 2))
    }
    place.last = Math.max(place.last, Number(/UIDNEXT (\d+)/.exec(selected)?.[1]) - 1)
  }

  async #readNews(node: Entrance): Promise<void> {
    const place = this.#place('news')
    using client = await node.client('nntp')
    const [, , , last = 0] = (await ask(client, 'GROUP lab.general')).split(' ').map(Number)
    for (let number = place.last + 1; number <= last; number++) {
      if (!(await ask(client, `ARTICLE ${number}`)).startsWith('220')) continue
      this.#note('news', number, (await client.lines((line) => line === '.')).slice(0, -1).join('\r\n'))
    }
    place.last = Math.max(place.last, last)
  }

  #place(name: string): Place {
    const place = this.#places.get(name) ?? { messages: new Map<number, string>(), last: 0 }
    this.#places.set(name, place)
    return place
  }

  #note(place: string, number: number, raw: string): void {
    const messageId = /^Message-ID: (<.*>)\r$/m.exec(raw)?.[1] ?? ''
    const [, hash] = /\.([0-9a-f]{16})@load\.test>$/.exec(messageId) ?? []
    // Of another client.
    if (hash === undefined) return
    const body = raw.slice(raw.indexOf('\r\n\r\n') + 4)
    if (hashOf(body) !== hash) this.faults.push(`partial: ${place} ${number} ${messageId}`)
    this.#place(place).messages.set(number, messageId)
  }
}
