import type { ClusterNode } from '../../support/cluster.ts'
import type { ImapClient } from '../../support/imap-client.ts'
import type { LineClient } from '../../support/line-client.ts'
import type { SmtpSender } from '../../support/smtp-sender.ts'
import { messageOf } from './support.ts'

/** The kinds of commands that sessions send. */
type Kind = 'smtp' | 'append' | 'fetch' | 'status' | 'retr' | 'article' | 'post'

export type Replies = Readonly<Record<Kind, string>>

/** Replies while everything works. */
export const GOOD: Readonly<Record<Kind, RegExp>> = {
  smtp: /^250 2/,
  append: /^OK \[APPENDUID /,
  fetch: /^OK /,
  status: /^OK /,
  retr: /^\+OK/,
  article: /^220 /,
  post: /^240 /,
}

/**
 * Temporary errors: RFC 5321 section 4.2.1, RFC 5530 section 3, RFC 3206 section 4, RFC 3977 section 3.2.1. A node may still
 * have a message that it has read before in memory.
 */
export const LATER: Readonly<Record<Kind, RegExp>> = {
  smtp: /^4\d\d 4\./,
  append: /^NO \[UNAVAILABLE\]/,
  fetch: /^(NO \[UNAVAILABLE\]|OK )/,
  status: /^NO \[UNAVAILABLE\]/,
  retr: /^(-ERR \[SYS\/TEMP\]|\+OK)/,
  article: /^403 /,
  post: /^4(03|36|41) /,
}

/** Returns the replies that do not match. */
export const others = (replies: Replies, wanted: Readonly<Record<Kind, RegExp>>): Partial<Replies> =>
  Object.fromEntries(Object.entries(replies).filter(([kind, reply]) => !wanted[kind as Kind].test(reply)))

/** Sessions of every protocol at one node, which live through what happens to the database. */
export class OpenSessions implements AsyncDisposable {
  readonly #smtp: SmtpSender
  readonly #imap: ImapClient
  readonly #pop3: LineClient
  readonly #nntp: LineClient
  /** A client in IDLE with alice's INBOX. */
  readonly idle: ImapClient
  #count = 0

  private constructor(smtp: SmtpSender, imap: ImapClient, pop3: LineClient, nntp: LineClient, idle: ImapClient) {
    this.#smtp = smtp
    this.#imap = imap
    this.#pop3 = pop3
    this.#nntp = nntp
    this.idle = idle
  }

  /** Opens them. Alice and lab.general get a message each; `user` logs on by POP3, with one more message. */
  static async open(node: ClusterNode, user: 'bob' | 'carol'): Promise<OpenSessions> {
    await node.deliver(messageOf('first'))
    await node.deliver(messageOf('for pop'), `${user}@lab.test`)
    const [imap, idle, pop3, nntp] = [
      await node.imap(),
      await node.imap(),
      await node.client('pop3'),
      await node.client('nntp'),
    ]
    const sessions = new OpenSessions(await node.smtp(), imap, pop3, nntp, idle)
    const first = await post(nntp, `<first.${user}@lab.test>`)
    const answers = [
      await ask(nntp, 'GROUP lab.general'),
      await ask(pop3, `USER ${user}`),
      await ask(pop3, 'PASS geheim'),
    ]
    await imap.ok('SELECT INBOX')
    await idle.ok('SELECT INBOX')
    await idle.idle()
    if (!first.startsWith('240') || !answers[0]?.startsWith('211') || !answers[2]?.startsWith('+OK')) {
      throw new Error([first, ...answers].join('\n'))
    }
    return sessions
  }

  /** Sends a command of each kind, in the sessions that are open. Returns the first line of each reply. */
  async replies(): Promise<Replies> {
    const subject = `during ${++this.#count}`
    const mail = async (): Promise<string> => {
      const reply = await this.#smtp.send(messageOf(subject))
      if (!reply.startsWith('2')) await this.#smtp.ask('RSET')
      return reply
    }
    const imap = async (): Promise<[string, string, string]> => [
      await this.#imap.append('INBOX', messageOf(subject)),
      (await this.#imap.ask('UID FETCH 1 (BODY.PEEK[])')).at(-1) ?? '',
      (await this.#imap.ask('STATUS Drafts (MESSAGES)')).at(-1) ?? '',
    ]
    const pop3 = async (): Promise<string> => {
      const reply = await ask(this.#pop3, 'RETR 1')
      if (reply.startsWith('+OK')) await this.#pop3.lines((line) => line === '.')
      return reply
    }
    const nntp = async (): Promise<[string, string]> => {
      const article = await ask(this.#nntp, 'ARTICLE 1')
      if (article.startsWith('220')) await this.#nntp.lines((line) => line === '.')
      return [article, await post(this.#nntp, `<${subject.replace(' ', '.')}.${Math.random()}@lab.test>`)]
    }
    const [smtp, [append, fetch, status], retr, [article, posted]] = await Promise.all([mail(), imap(), pop3(), nntp()])
    return { smtp, append, fetch, status, retr, article, post: posted }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#smtp.close()
    for (const client of [this.#imap, this.#pop3, this.#nntp, this.idle]) client.destroy()
  }
}

async function ask(client: LineClient, line: string): Promise<string> {
  client.send(`${line}\r\n`)
  return (await client.line()) ?? 'the server closed the connection'
}

async function post(client: LineClient, messageId: string): Promise<string> {
  const ready = await ask(client, 'POST')
  if (!ready.startsWith('340')) return ready
  const fields = ['From: a@lab.test', 'Newsgroups: lab.general', 'Subject: s', `Message-ID: ${messageId}`]
  return ask(client, [...fields, '', 'Text.', '.'].join('\r\n'))
}
