import type { Entrance } from '../../support/cluster.ts'
import type { ImapClient } from '../../support/imap-client.ts'
import type { Batch, Ledger } from './ledger.ts'
import { ask, pause } from './load.ts'

/** Errors that a client expects while nodes are killed: the connection ends, or the server refuses for now. */
const EXPECTED = /closed the connection|ECONNREFUSED|ECONNRESET|\nNO \[|: NO \[/

/**
 * Clients that expunge messages of alice and move them between INBOX and Archive, and one that fetches bob's mail by POP3,
 * until `end`. They note in a ledger what they did.
 */
export class Keepers {
  /** Messages whose deletion or move was acknowledged. */
  readonly counts = { deleted: 0, moved: 0 }
  readonly #ledger: Ledger
  readonly #at: Entrance
  readonly #random: () => number
  readonly #waiting: Batch[]
  #isOver = false

  /** @param random between 0 and 1 */
  constructor(at: Entrance, ledger: Ledger, random: () => number) {
    this.#at = at
    this.#ledger = ledger
    this.#random = random
    this.#waiting = ledger.batches('alice', () => 1 + Math.floor(random() ** 2 * 40))
  }

  /** Resolves when all clients have ended. */
  async run(): Promise<void> {
    await Promise.all([this.#tidy(), this.#tidy(), this.#fetch()])
  }

  end(): void {
    this.#isOver = true
  }

  async #tidy(): Promise<void> {
    for (;;) {
      const batch = this.#isOver ? undefined : this.#waiting.shift()
      if (!batch) return
      const choice = this.#random()
      // Batches of one mailbox come from everywhere in it.
      if (choice < 0.5) await this.#expunge(batch)
      else await this.#move(batch, choice < 0.75 ? 1 : 2)
    }
  }

  async #expunge(batch: Batch): Promise<void> {
    const uids = batch.messages.map(({ uid }) => uid)
    for (const { messageId } of batch.messages) this.#ledger.tried.add(messageId)
    const isDone = await this.#withClient(batch, async (client) => {
      const stored = (await client.ok(`UID STORE ${uids} +FLAGS (\\Deleted)`)).join('\n')
      for (const uid of uids) if (!stored.includes(`UID ${uid} `)) this.#missing(batch, uid)
      await client.ok(`UID EXPUNGE ${uids}`)
      return true
    })
    if (!isDone) return
    for (const { messageId } of batch.messages) this.#ledger.deleted.add(messageId)
    this.counts.deleted += uids.length
  }

  /** Moves messages by some clients at the same time: one of them moves each message. */
  async #move(batch: Batch, clients: number): Promise<void> {
    const target = batch.mailbox === 'INBOX' ? 'Archive' : 'INBOX'
    const moves = Array.from({ length: clients }, () =>
      this.#withClient(batch, async (client) => {
        const answer = await client.ok(`UID MOVE ${batch.messages.map(({ uid }) => uid)} ${target}`)
        const [, from = '', to = ''] = /\[COPYUID \d+ (\S+) (\S+)\]/.exec(answer.join('\n')) ?? []
        const moved = numbersOf(to)
        return new Map(numbersOf(from).map((uid, i) => [uid, moved[i] ?? 0]))
      }),
    )
    const answers = await Promise.all(moves)
    const known = answers.filter((answer) => answer !== undefined)
    const messages = batch.messages.flatMap(({ uid, messageId }) => {
      const uids = known.flatMap((answer) => answer.get(uid) ?? [])
      if (uids.length > 1) this.#ledger.faults.push(`moved twice: ${messageId} from ${batch.mailbox} to ${uids}`)
      if (uids.length === 0 && known.length === clients) this.#missing(batch, uid)
      return uids.map((to) => ({ uid: to, messageId }))
    })
    this.counts.moved += messages.length
    // Another connection, and mostly another node, goes on with them.
    if (messages.length > 0 && known.length === clients) this.#waiting.push({ mailbox: target, messages })
  }

  async #fetch(): Promise<void> {
    while (!this.#isOver) {
      const client = await this.#at.client('pop3').catch(() => undefined)
      await ask(client, 'USER bob')
      const isOpen = (await ask(client, 'PASS geheim')).startsWith('+OK')
      const count = isOpen ? Number((await ask(client, 'STAT')).split(' ')[1]) : 0
      const read: string[] = []
      for (let number = 1; client && number <= Math.min(count, 25); number++) {
        if (!(await ask(client, `RETR ${number}`)).startsWith('+OK')) break
        const text = (await client.lines((line) => line === '.')).join('\n')
        const messageId = /^Message-ID: (<.*>)$/m.exec(text)?.[1]
        if (messageId === undefined) break
        if (this.#ledger.deleted.has(messageId)) this.#ledger.faults.push(`fetched after its deletion: ${messageId}`)
        if ((await ask(client, `DELE ${number}`)).startsWith('+OK')) read.push(messageId)
      }
      for (const messageId of read) this.#ledger.tried.add(messageId)
      if ((await ask(client, 'QUIT')).startsWith('+OK') && isOpen) {
        for (const messageId of read) this.#ledger.deleted.add(messageId)
        this.counts.deleted += read.length
      }
      client?.destroy()
      if (!isOpen) await pause()
    }
  }

  /** Runs commands in a mailbox over a connection of its own. Returns undefined if the outcome is unknown. */
  async #withClient<Answer>(batch: Batch, use: (client: ImapClient) => Promise<Answer>): Promise<Answer | undefined> {
    let client: ImapClient | undefined
    try {
      client = await this.#at.imap('alice')
      await client.ok(`SELECT ${batch.mailbox}`)
      return await use(client)
    } catch (error) {
      if (!EXPECTED.test(String(error))) throw error
      for (const { messageId } of batch.messages) this.#ledger.uncertain.add(messageId)
      await pause()
      return undefined
    } finally {
      client?.destroy()
    }
  }

  #missing({ mailbox, messages }: Batch, uid: number): void {
    const messageId = messages.find((message) => message.uid === uid)?.messageId
    this.#ledger.faults.push(`not there for a client: ${mailbox} ${uid} ${messageId}`)
  }
}

/** Returns the numbers of a set. RFC 9051 section 9 */
const numbersOf = (set: string): number[] =>
  set.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split(':').map(Number)
    return first === 0 ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i)
  })
