import { ImapFlow } from 'imapflow'
import type { LabInput } from '../../../../../src/core/config/schema.ts'
import { type Answer, bearer, type HttpLab } from '../../client.ts'

/** Settings of a lab with the Gmail API, and with IMAP4 as Gmail has it. */
export const gmailLab = (more: LabInput = {}, webhooks: readonly string[] = []): LabInput => ({
  directory: { accounts: ['alice', 'bob'].map((user) => ({ user, password: 'secret' })) },
  virtualServers: [
    { protocol: 'smtp' },
    { protocol: 'imap4', personality: 'gmail' },
    { protocol: 'http', providers: [{ provider: 'gmail', webhooks: webhooks.map((url) => ({ url })) }] },
  ],
  ...more,
})

/** A client of the Gmail API with a token of its own. */
export class GmailClient {
  readonly #http: HttpLab
  readonly #user: string

  constructor(http: HttpLab, user = 'alice') {
    this.#http = http
    this.#user = user
  }

  /** Sends a request below the user `me`, or to a path that begins with a slash. */
  async ask(method: string, path: string, json?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const token = await this.#http.lab.accessToken({ user: this.#user })
    return this.#http.request(path.startsWith('/') ? path : `/gmail/v1/users/me/${path}`, {
      method,
      headers: { ...bearer(token), ...headers },
      ...(typeof json === 'string' ? { body: json } : json === undefined ? {} : { json }),
    })
  }

  async get(path: string) {
    return (await this.ask('GET', path)).body
  }

  async post(path: string, json: unknown = {}) {
    return (await this.ask('POST', path, json)).body
  }

  /** Inserts a message. Returns its id. */
  async insert(subject: string, labelIds: readonly string[] = ['INBOX', 'UNREAD'], header = ''): Promise<string> {
    const raw = mime(subject, header)
    return (await this.post('messages', { raw: Buffer.from(raw).toString('base64url'), labelIds })).id
  }

  /** Returns the labels of a message, sorted. */
  async labels(id: string): Promise<string[]> {
    return (await this.get(`messages/${id}?format=minimal`)).labelIds.sort()
  }

  /** Returns the subjects of the messages of a list, in its order. */
  async subjects(query: string): Promise<string[]> {
    const { messages = [] } = await this.get(`messages?${query}`)
    const found: string[] = []
    for (const { id } of messages)
      found.push((await this.get(`messages/${id}?format=metadata&metadataHeaders=Subject`)).payload.headers[0].value)
    return found
  }

  /** Logs on by IMAP. Dispose of the client. */
  async imap() {
    const imap = new ImapFlow({ ...this.#http.lab.imapflow({ user: this.#user, pass: 'secret' }), logger: false })
    await imap.connect()
    return Object.assign(imap, { [Symbol.asyncDispose]: () => imap.logout() })
  }
}

export const mime = (subject: string, header = ''): string =>
  `From: Bob <bob@lab.test>\r\nTo: alice@lab.test\r\nSubject: ${subject}\r\n${header}\r\nText of ${subject}\r\n`
