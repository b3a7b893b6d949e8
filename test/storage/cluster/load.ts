import { createHash } from 'node:crypto'
import type { Entrance } from '../../support/cluster.ts'
import type { ImapClient } from '../../support/imap-client.ts'
import type { LineClient } from '../../support/line-client.ts'
import type { SmtpSender } from '../../support/smtp-sender.ts'

export interface Acknowledged {
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

export const hashOf = (body: string): string => createHash('sha256').update(body).digest('hex').slice(0, 16)

interface LoadOptions {
  /** The accounts that get mail by SMTP, each from two clients at a node. Default: alice. */
  readonly users?: readonly string[]
  /** Whether clients connect again when their node is gone. Default: they end. */
  readonly reconnects?: boolean
}

/** Clients of SMTP, IMAP4 and NNTP that send messages to some nodes until `end`, or until their node is gone. */
export class Load {
  readonly acknowledged: Acknowledged[] = []
  /** Temporary refusals, with the time, in the order of their arrival. */
  readonly refusals: string[] = []
  /** The Message-IDs whose refusal said that nothing was stored. */
  readonly notStored: string[] = []
  readonly #name: string
  readonly #users: readonly string[]
  readonly #reconnects: boolean
  #sent = 0
  #isOver = false
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = []

  /** @param name makes the Message-IDs of this load its own; without dots, which the transports would double */
  constructor(name: string, { users = ['alice'], reconnects = false }: LoadOptions = {}) {
    this.#name = name
    this.#users = users
    this.#reconnects = reconnects
  }

  /** Resolves when `count` more messages are acknowledged. */
  more(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ count: this.acknowledged.length + count, resolve })
    })
  }

  /** Resolves when all clients have ended. */
  async run(entrances: readonly Entrance[]): Promise<void> {
    const mail = (at: Entrance) => this.#users.flatMap((user) => [this.#smtp(at, user), this.#smtp(at, user)])
    await Promise.all(entrances.flatMap((at) => [...mail(at), this.#imap(at), this.#nntp(at)]))
  }

  end(): void {
    this.#isOver = true
  }

  async #smtp(at: Entrance, user: string): Promise<void> {
    let sender: SmtpSender | undefined
    const to = `${user}@lab.test`
    await this.#repeat(['From: a@lab.test', `To: ${to}`], async (raw) => {
      sender ??= await at.smtp().catch(() => undefined)
      const reply = (await sender?.send(raw, { to: [to] })) ?? CLOSED
      if (reply.startsWith('4')) await sender?.ask('RSET')
      const outcome = outcomeOf(reply, /^250 /, /^4/)
      if (outcome === 'gone') {
        sender?.close()
        sender = undefined
      }
      return { reply, outcome }
    })
    sender?.close()
  }

  async #imap(at: Entrance): Promise<void> {
    let client: ImapClient | undefined
    await this.#repeat(['From: a@lab.test', 'Subject: appended'], async (raw) => {
      try {
        client ??= await at.imap()
        const reply = await client.append('INBOX', raw)
        const uid = /APPENDUID \d+ (\d+)/.exec(reply)?.[1]
        return { reply, outcome: outcomeOf(reply, /^OK /, /^NO \[/), ...(uid ? { uid: Number(uid) } : {}) }
      } catch {
        client?.destroy()
        client = undefined
        return { reply: '', outcome: 'gone' }
      }
    })
    client?.destroy()
  }

  async #nntp(at: Entrance): Promise<void> {
    let client: LineClient | undefined
    await this.#repeat(['From: a@lab.test', 'Newsgroups: lab.general', 'Subject: s'], async (raw) => {
      client ??= await at.client('nntp').catch(() => undefined)
      const ready = await ask(client, 'POST')
      const reply = ready.startsWith('340') ? await ask(client, `${raw}.`) : ready
      const outcome = outcomeOf(reply, /^240 /, /^4/)
      if (outcome === 'gone') {
        client?.destroy()
        client = undefined
      }
      return { reply, outcome }
    })
    client?.destroy()
  }

  async #repeat(
    fields: readonly string[],
    send: (raw: string) => Promise<{ reply: string; outcome: Outcome; uid?: number }>,
  ): Promise<void> {
    while (!this.#isOver) {
      const octets = ++this.#sent % 11 === 0 ? 150_000 : 1_200
      const { messageId, raw } = message(fields, `${this.#name}-${this.#sent}`, octets)
      const { reply, outcome, uid } = await send(raw)
      if (outcome === 'gone' && !this.#reconnects) return
      if (outcome === 'acknowledged') this.#acknowledge({ messageId, ...(uid === undefined ? {} : { uid }) })
      else {
        if (outcome === 'refused for now') this.refusals.push(reply)
        if (reply.includes('Nothing was stored')) this.notStored.push(messageId)
        // A client that tries again immediately would only keep the machine busy.
        await pause()
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

const CLOSED = 'the server closed the connection'

/** Sends a line. Returns the reply, which must have one line. */
export async function ask(client: LineClient | undefined, line: string): Promise<string> {
  client?.send(`${line}\r\n`)
  return (await client?.line()) ?? CLOSED
}

/** Resolves when a client may try again. */
export const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100))
