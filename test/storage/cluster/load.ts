import { createHash } from 'node:crypto'
import type { ClusterNode } from '../../support/cluster.ts'
import type { ImapClient } from '../../support/imap-client.ts'
import type { LineClient } from '../../support/line-client.ts'

/** Where acknowledged messages are: alice's INBOX or the newsgroup lab.general. */
export type Place = 'mail' | 'news'

interface Acknowledged {
  readonly place: Place
  readonly messageId: string
  /** Of the APPENDUID of IMAP clients. */
  readonly uid?: number
}

/** The fate of one message. */
type Outcome = 'acknowledged' | 'refused for now' | 'gone'

/** Message-ID and body of a message. The Message-ID has the hash of the body, so that a partial message is noticed. */
function message(fields: readonly string[], id: string, octets: number): { messageId: string; raw: string } {
  const body = `${id} `.repeat(Math.ceil(octets / (id.length + 1))).replace(/.{70}/g, '$&\r\n')
  const messageId = `<${id}.${hashOf(body)}@load.test>`
  return { messageId, raw: [...fields, `Message-ID: ${messageId}`, '', body, ''].join('\r\n') }
}

const hashOf = (body: string): string => createHash('sha256').update(body).digest('hex').slice(0, 16)

/** Clients of SMTP, IMAP4 and NNTP that send messages to some nodes until `end`, or until their node is gone. */
export class Load {
  readonly acknowledged: Acknowledged[] = []
  /** Temporary refusals, with the time, in the order of their arrival. */
  readonly refusals: string[] = []
  readonly #name: string
  #sent = 0
  #isOver = false
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  /** @param name makes the Message-IDs of this load its own; without dots, which the transports would double */
  constructor(name: string) {
    this.#name = name
  }

  /** Resolves when `count` more messages are acknowledged. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ count: this.acknowledged.length + count, resolve })
    })
  }

  /** Resolves when all clients have ended. */
  async run(nodes: readonly ClusterNode[]): Promise<void> {
    await Promise.all(nodes.flatMap((node) => [this.#smtp(node), this.#smtp(node), this.#imap(node), this.#nntp(node)]))
  }

  end(): void {
    this.#isOver = true
  }

  async #smtp(node: ClusterNode): Promise<void> {
    const sender = await node.smtp().catch(() => undefined)
    await this.#repeat('mail', ['From: a@lab.test', 'To: alice@lab.test'], async ({ raw }) => {
      const reply = (await sender?.send(raw)) ?? 'the server closed the connection'
      if (reply.startsWith('4')) await sender?.ask('RSET')
      return { reply, outcome: outcomeOf(reply, /^250 /, /^4/) }
    })
    sender?.close()
  }

  async #imap(node: ClusterNode): Promise<void> {
    let client: ImapClient | undefined
    await this.#repeat('mail', ['From: a@lab.test', 'Subject: appended'], async ({ raw }) => {
      try {
        client ??= await node.imap()
        const reply = await client.append('INBOX', raw)
        const uid = /APPENDUID \d+ (\d+)/.exec(reply)?.[1]
        return { reply, outcome: outcomeOf(reply, /^OK /, /^NO \[/), ...(uid ? { uid: Number(uid) } : {}) }
      } catch {
        return { reply: '', outcome: 'gone' }
      }
    })
    client?.destroy()
  }

  async #nntp(node: ClusterNode): Promise<void> {
    const client = await node.client('nntp').catch(() => undefined)
    await this.#repeat('news', ['From: a@lab.test', 'Newsgroups: lab.general', 'Subject: s'], async ({ raw }) => {
      const ready = await ask(client, 'POST')
      const reply = ready.startsWith('340') ? await ask(client, `${raw}.`) : ready
      return { reply, outcome: outcomeOf(reply, /^240 /, /^4/) }
    })
    client?.destroy()
  }

  async #repeat(
    place: Place,
    fields: readonly string[],
    send: (message: { raw: string }) => Promise<{ reply: string; outcome: Outcome; uid?: number }>,
  ): Promise<void> {
    while (!this.#isOver) {
      const octets = ++this.#sent % 11 === 0 ? 150_000 : 1_200
      const { messageId, raw } = message(fields, `${this.#name}-${this.#sent}`, octets)
      const { reply, outcome, uid } = await send({ raw })
      if (outcome === 'gone') return
      if (outcome === 'acknowledged') this.#acknowledge({ place, messageId, ...(uid === undefined ? {} : { uid }) })
      else {
        this.refusals.push(reply)
        // A client that tries again at once would only keep the machine busy.
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  #acknowledge(one: Acknowledged): void {
    this.acknowledged.push(one)
    for (const { count, resolve } of this.#waiting) if (this.acknowledged.length >= count) resolve()
  }
}

function outcomeOf(reply: string, good: RegExp, later: RegExp): Outcome {
  if (good.test(reply)) return 'acknowledged'
  if (later.test(reply)) return 'refused for now'
  if (/closed the connection|^421|^400|^\* BYE/.test(reply)) return 'gone'
  throw new Error(`unexpected reply: ${reply}`)
}

async function ask(client: LineClient | undefined, line: string): Promise<string> {
  client?.send(`${line}\r\n`)
  return (await client?.line()) ?? 'the server closed the connection'
}

/** The numbers that the clients of all nodes have seen: which message has which number. Numbers are never used again. */
export class Ledger {
  readonly #found = { mail: new Map<string, number>(), news: new Map<string, number>() }
  readonly #last = { mail: 0, news: 0 }
  readonly #acknowledged = { mail: new Set<string>(), news: new Set<string>() }
  #uidValidity: string | undefined
  /** Messages that were acknowledged and are there exactly once. */
  checked = 0
  readonly faults: string[] = []

  /** Reads the new messages of a node, and compares them with what was acknowledged. The loads must have ended. */
  async check(node: ClusterNode, loads: readonly Load[]): Promise<void> {
    await this.#readMail(node)
    await this.#readNews(node)
    for (const { place, messageId, uid } of loads.flatMap((load) => load.acknowledged)) {
      if (this.#acknowledged[place].has(messageId)) this.faults.push(`acknowledged twice: ${messageId}`)
      this.#acknowledged[place].add(messageId)
      const number = this.#found[place].get(messageId)
      if (number === undefined) this.faults.push(`lost: ${place} ${messageId}`)
      else if (uid !== undefined && uid !== number) this.faults.push(`${messageId} has uid ${number}, not ${uid}`)
      else this.checked++
    }
  }

  async #readMail(node: ClusterNode): Promise<void> {
    const client = await node.imap()
    const selected = (await client.ok('SELECT INBOX')).join('\n')
    const uidValidity = /UIDVALIDITY (\d+)/.exec(selected)?.[1]
    this.#uidValidity ??= uidValidity
    if (this.#uidValidity !== uidValidity) this.faults.push(`UIDVALIDITY changed to ${uidValidity}`)
    const text = (await client.ok(`UID FETCH ${this.#last.mail + 1}:* (UID BODY.PEEK[])`)).join('\r\n')
    client.destroy()
    for (const part of text.split(/^\* \d+ FETCH \(/m).slice(1)) {
      const [, uid = 0, size = 0] = (/^UID (\d+) BODY\[\] \{(\d+)\}\r\n/.exec(part) ?? []).map(Number)
      const begin = part.indexOf('\r\n') + 2
      // The line end after the body is that of the transport.
      if (uid > this.#last.mail) this.#note('mail', uid, part.slice(begin, begin + size - 2))
    }
    this.#last.mail = Math.max(this.#last.mail, Number(/UIDNEXT (\d+)/.exec(selected)?.[1]) - 1)
  }

  async #readNews(node: ClusterNode): Promise<void> {
    using client = await node.client('nntp')
    const [, , , last = 0] = (await ask(client, 'GROUP lab.general')).split(' ').map(Number)
    for (let number = this.#last.news + 1; number <= last; number++) {
      if (!(await ask(client, `ARTICLE ${number}`)).startsWith('220')) continue
      this.#note('news', number, (await client.lines((line) => line === '.')).slice(0, -1).join('\r\n'))
    }
    this.#last.news = Math.max(this.#last.news, last)
  }

  #note(place: Place, number: number, raw: string): void {
    const messageId = /^Message-ID: (<.*>)\r$/m.exec(raw)?.[1] ?? ''
    const [, hash] = /\.([0-9a-f]{16})@load\.test>$/.exec(messageId) ?? []
    // Of another client.
    if (hash === undefined) return
    const body = raw.slice(raw.indexOf('\r\n\r\n') + 4)
    if (hashOf(body) !== hash) this.faults.push(`partial: ${place} ${number} ${messageId}`)
    const earlier = this.#found[place].get(messageId)
    if (earlier !== undefined) this.faults.push(`doubled: ${place} ${messageId} is ${earlier} and ${number}`)
    this.#found[place].set(messageId, number)
  }
}
