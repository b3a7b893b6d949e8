import { once } from 'node:events'
import tls from 'node:tls'
import { ImapFlow } from 'imapflow'
import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import { startLab, type TestLab } from '../../src/testing/index.ts'
import { corpus } from '../support/corpus.ts'
import { some } from '../support/thorough.ts'

/** Removes the trace fields that the lab added at the front. RFC 5321 section 4.4. */
function withoutTrace(raw: Buffer): Buffer {
  const end = /^Return-Path: [^\r]*\r\nReceived: (?:[^\r]|\r\n[ \t])*\r\n/.exec(raw.toString('latin1'))
  expect(end).not.toBeNull()
  return raw.subarray(end?.[0].length)
}

/** A client of a line protocol over verified TLS. */
class Conversation {
  readonly #socket: tls.TLSSocket
  #held: Buffer = Buffer.alloc(0)
  #wake: () => void = () => {}

  private constructor(socket: tls.TLSSocket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk])
      this.#wake()
    })
  }

  static async open(lab: TestLab, protocol: 'pop3' | 'nntp'): Promise<Conversation> {
    const { address, tlsPort } = lab.server(protocol)
    const socket = tls.connect({ host: address, port: tlsPort, ca: lab.ca, servername: 'localhost' })
    await once(socket, 'secureConnect')
    const conversation = new Conversation(socket)
    await conversation.line()
    return conversation
  }

  async ask(command: string | Buffer): Promise<string> {
    this.#socket.write(typeof command === 'string' ? `${command}\r\n` : command)
    return this.line()
  }

  async line(): Promise<string> {
    return (await this.#upTo('\r\n')).toString('latin1')
  }

  /** Reads a dot-stuffed block and removes the stuffing. */
  async block(): Promise<Buffer> {
    const stuffed = (await this.#upTo('\r\n.\r\n')).toString('latin1')
    return Buffer.from(`${stuffed}\r\n`.replace(/(^|\r\n)\.\./g, '$1.'), 'latin1')
  }

  close(): void {
    this.#socket.destroy()
  }

  async #upTo(end: string): Promise<Buffer> {
    for (;;) {
      const at = this.#held.indexOf(end)
      if (at !== -1) {
        const taken = this.#held.subarray(0, at)
        this.#held = this.#held.subarray(at + end.length)
        return taken
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }
}

const mails = corpus()

describe.skipIf(mails.length === 0)('the corpus', () => {
  it('every message sent by SMTP with STARTTLS is the same octets by POP3S and IMAPS', async () => {
    await using lab = await startLab({ directory: { accounts: [{ user: 'bob', password: 'secret' }] } })
    const transport = createTransport({
      ...lab.nodemailer({ user: 'bob', pass: 'secret' }),
      pool: true,
      maxConnections: 1,
    })
    const sent = some(mails, 60)
    for (const { raw } of sent) {
      await transport.sendMail({ envelope: { from: 'list@example.com', to: 'bob@lab.test' }, raw })
    }
    transport.close()

    const pop = await Conversation.open(lab, 'pop3')
    await pop.ask('USER bob')
    expect(await pop.ask('PASS secret')).toMatch(/^\+OK/)
    const imap = new ImapFlow(lab.imapflow({ user: 'bob', pass: 'secret' }))
    await imap.connect()
    await imap.mailboxOpen('INBOX', { readOnly: true })
    for (const [i, { name, raw }] of sent.entries()) {
      expect(await pop.ask(`RETR ${i + 1}`)).toMatch(/^\+OK/)
      const byPop = await pop.block()
      expect(withoutTrace(byPop).equals(sentByNodemailer(raw)), `${name} by POP3`).toBe(true)
      const fetched = await imap.fetchOne(String(i + 1), { source: true })
      expect(fetched && fetched.source?.equals(byPop), `${name} by IMAP4`).toBe(true)
    }
    pop.close()
    await imap.logout()
  })

  it('every article posted by NNTPS is the same octets when read, and OVER has its References', async () => {
    // Only mailing-list posts: news servers reject the dates of spam.
    const posts = mails.filter(({ name, raw }) => name.startsWith('easy-ham') && isPostable(raw))
    expect(posts.length).toBeGreaterThan(30)
    await using lab = await startLab()
    const news = await Conversation.open(lab, 'nntp')
    for (const { name, raw } of posts) expect(await post(news, raw), name).toMatch(/^240/)
    expect(await news.ask('GROUP lab.general')).toBe(`211 ${posts.length} 1 ${posts.length} lab.general`)
    expect(await news.ask(`OVER 1-${posts.length}`)).toMatch(/^224/)
    const rows = (await news.block()).toString('latin1').trimEnd().split('\r\n')
    for (const [i, { name, raw }] of posts.entries()) {
      expect(await news.ask(`ARTICLE ${i + 1}`)).toMatch(/^220/)
      const article = await news.block()
      expect(article.subarray(-ended(raw).length).equals(ended(raw)), name).toBe(true)
      const references = /^references:\s*((?:[^\r]|\r\n[ \t])*)\r$/im.exec(head(raw))?.[1]?.replace(/\r\n/g, '')
      expect(rows[i]?.split('\t')[5]?.replace(/\s+/g, ' ')).toBe((references ?? '').replace(/\s+/g, ' '))
    }
    news.close()
  })

  it('RFC 3977 section 3.6: POST refuses every message with a malformed line in its header, and names the line', async () => {
    const malformed = mails.filter(({ raw }) => !isWellFormed(raw))
    expect(malformed.length).toBeGreaterThan(30)
    await using lab = await startLab()
    const news = await Conversation.open(lab, 'nntp')
    for (const { name, raw } of malformed) {
      expect(await post(news, raw), name).toMatch(
        /^441 (?:no space after the colon|a header field or a folded line without content): line \d+: \S+:/,
      )
    }
    expect(await lab.articles('lab.general')).toEqual([])
    news.close()
  })
})

/** Posts a message to lab.general, and returns the reply. */
async function post(news: Conversation, raw: Buffer): Promise<string> {
  expect(await news.ask('POST')).toMatch(/^340/)
  const article = Buffer.concat([Buffer.from('Newsgroups: lab.general\r\n'), ended(raw)])
  const stuffed = article.toString('latin1').replace(/^\./gm, '..')
  return news.ask(Buffer.from(`${stuffed}.\r\n`, 'latin1'))
}

/** Returns a message as nodemailer sends it: with CRLF for a bare CR, otherwise unchanged. */
const sentByNodemailer = (raw: Buffer): Buffer =>
  Buffer.from(
    ended(raw)
      .toString('latin1')
      .replace(/\r(?!\n)/g, '\r\n'),
    'latin1',
  )

const head = (raw: Buffer): string => raw.subarray(0, raw.indexOf('\r\n\r\n') + 2).toString('latin1')
const ended = (raw: Buffer): Buffer =>
  raw.subarray(-2).toString() === '\r\n' ? raw : Buffer.concat([raw, Buffer.from('\r\n')])

/** Returns whether every colon of a header has a space after it, and every line content. RFC 3977 section 3.6, RFC 5536 section 2.2. */
const isWellFormed = (raw: Buffer): boolean =>
  !/^[^\s:]+:(?! |\r\n[ \t])/m.test(head(raw)) && !/^(?:[^\s:]+:)?[ \t]+$/m.test(head(raw).replaceAll('\r', ''))

/** Returns whether a message is well-formed and has the required fields, each only once. RFC 5537 section 3.4.1. */
function isPostable(raw: Buffer): boolean {
  const names = [...head(raw).matchAll(/^([^\s:]+):[^\r]*/gm)].map(([, name]) => (name ?? '').toLowerCase())
  const single = ['from', 'date', 'subject', 'message-id', 'references']
  return (
    isWellFormed(raw) &&
    single.slice(0, 4).every((name) => names.includes(name)) &&
    single.every((name) => names.filter((n) => n === name).length <= 1)
  )
}
