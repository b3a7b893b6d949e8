import { connect, type Socket } from 'node:net'

const MIB = 1024 * 1024

/** The lab of a small container. */
export const CONFIGURATION = `
hostname: localhost
store: { lmdb: mail }
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers:
  - { protocol: smtp, port: 0, tlsPort: off }
  - { protocol: imap4, port: 0, tlsPort: off, authentication: [basic] }
  - { protocol: pop3, port: 0, tlsPort: off, authentication: [basic] }
  - { protocol: http, port: 0, tlsPort: off, providers: [graph, gmail] }
`

/** How a lab is asked for a message. `{id}` stands for its id, `{n}` for its number in the mailbox. */
const httpViews = [
  'api/v1/messages',
  'api/v1/messages?query=no-such-word',
  'api/v1/messages?query=header:x-none:1',
  'api/v1/messages/{id}',
  'api/v1/messages/{id}?opened=false',
  'api/v1/messages/{id}/text',
  'api/v1/messages/{id}/html',
  'api/v1/messages/{id}/headers',
  'api/v1/messages/{id}/html?scheme=dark',
  'api/v1/messages/{id}/structure',
  'api/v1/messages/{id}/checks',
  'api/v1/messages/{id}/raw',
  'api/v1/messages/{id}/parts/1',
  'mailpit/api/v1/messages',
  'mailpit/api/v1/message/latest',
  'mailpit/api/v1/message/latest/headers',
  'mailpit/view/latest.txt',
  'mailpit/view/latest.html',
  'mailhog/api/v2/messages',
  'mailhog/api/v2/search?kind=containing&query=no-such-word',
  'maildev/email',
  'maildev/api/email/summary',
  'smtp4dev/api/Messages',
  'greenmail/api/user/alice/messages/INBOX',
]

/** Views of messages whose ids are not those of the HTTP API. The list is asked for the id. */
const viewsOfOthers = {
  'mailhog/api/v2/messages?limit=1': ['mailhog/api/v1/messages/{id}'],
  'api/v1/messages?limit=1': ['maildev/email/{id}', 'maildev/api/email/{id}', 'maildev/email/{id}/html'],
  'smtp4dev/api/Messages': ['', '/plaintext', '/html', '/source', '/raw', '/part/0/source'].map(
    (path) => `smtp4dev/api/Messages/{id}${path}`,
  ),
}

/** Views of the APIs of providers, which need an access token. */
const providerViews = {
  'graph/v1.0/me/messages?$top=1&$select=id': [
    'graph/v1.0/me/messages?$top=1',
    'graph/v1.0/me/messages?$search="no-such-word"',
    "graph/v1.0/me/messages?$filter=contains(subject,'no-such-word')",
    'graph/v1.0/me/mailFolders/inbox/messages/delta',
    'graph/v1.0/me/messages/{id}',
    'graph/v1.0/me/messages/{id}/$value',
    'graph/v1.0/me/messages/{id}/attachments',
  ],
  'gmail/v1/users/me/messages?maxResults=1': [
    'gmail/v1/users/me/messages?q=no-such-word',
    'gmail/v1/users/me/threads?q=no-such-word',
    ...['minimal', 'metadata', 'full', 'raw'].map((format) => `gmail/v1/users/me/messages/{id}?format=${format}`),
  ],
  'gmail/v1/users/me/threads?maxResults=1': ['gmail/v1/users/me/threads/{id}'],
}

const imapCommands = [
  'FETCH * (ENVELOPE BODYSTRUCTURE)',
  'FETCH * PREVIEW',
  'SEARCH TEXT no-such-word',
  'SEARCH BODY no-such-word',
  'SEARCH HEADER References no-such-word',
  'SORT (SUBJECT FROM) UTF-8 ALL',
  'THREAD REFERENCES UTF-8 ALL',
  'FETCH * BODY.PEEK[1]',
]

const popCommands = ['TOP 1 100', 'UIDL', 'RETR 1']

interface Answer {
  readonly status: number
  readonly text: string
}

/** Runs the work of one view. A benchmark measures it. */
type View = <T>(name: string, work: () => Promise<T>) => Promise<T>

/** A client that asks a lab for everything. Each call reads its answer to the end, and fails if the lab does not answer. */
export class Walker {
  readonly #port: (protocol: string) => number | undefined
  readonly #view: View

  /** @param port returns the port of a protocol of the lab */
  constructor(port: (protocol: string) => number | undefined, view: View = (_, work) => work()) {
    this.#port = port
    this.#view = view
  }

  /** Asks for every view of a message. Returns those that failed. */
  async walk(id: string): Promise<string[]> {
    const failed = [await this.#httpViews(id), await this.#waitAndMcp(id)]
    failed.push(await this.#imap(), await this.#pop3())
    return failed.flat()
  }

  async #get(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.#port('http')}/${path}`, init)
    let text = ''
    for await (const chunk of response.body ?? []) if (text.length < MIB) text += Buffer.from(chunk).toString('utf8')
    return { status: response.status, text: text.length > MIB ? '' : text }
  }

  #post(path: string, json: object): Promise<Answer> {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    return this.#get(path, { method: 'POST', headers, body: JSON.stringify(json) })
  }

  /** Delivers a message as the only one of the lab. Returns its id. */
  async deliver(raw: Buffer): Promise<string> {
    await this.#get('api/v1/messages?all=true', { method: 'DELETE' })
    const headers = { 'content-type': 'message/rfc822' }
    const init = { method: 'POST', headers, body: new Uint8Array(raw) }
    const { status, text } = await this.#view('import', () => this.#get('api/v1/messages/import?to=alice', init))
    if (status !== 201) throw new Error(`import: ${status} ${text.slice(0, 300)}`)
    return (JSON.parse(text) as { ids: [string] }).ids[0]
  }

  async #httpViews(id: string): Promise<string[]> {
    const failed: string[] = []
    const { text: issued } = await this.#post('api/v1/access-tokens', { user: 'alice' })
    const authorization = `Bearer ${JSON.parse(issued).accessToken}`
    const view = async (path: string, id: string, init: RequestInit = {}): Promise<string> => {
      const { status, text } = await this.#view(path, () => this.#get(path.replace('{id}', id), init))
      if (status >= 500) failed.push(`${status} ${path} ${text.slice(0, 200)}`)
      return text
    }
    for (const path of httpViews) await view(path, id)
    await this.#view('ten readers', () =>
      Promise.all(Array.from({ length: 10 }, () => this.#get(`api/v1/messages/${id}`))),
    )
    for (const [list, views] of Object.entries(viewsOfOthers)) {
      const found = /"(?:id|ID)":"([^"]+)"/.exec(await view(list, ''))?.[1]
      if (found !== undefined) for (const path of views) await view(path, found)
    }
    for (const [list, views] of Object.entries(providerViews)) {
      const init = { headers: { authorization } }
      const found = /"id":"([^"]+)"/.exec(await view(list, '', init))?.[1]
      if (found === undefined) failed.push(`no id in ${list}`)
      else for (const path of views) await view(path, found, init)
    }
    return [...failed, ...(await this.#jmap(authorization))]
  }

  /** Calls JMAP for every property. */
  async #jmap(authorization: string): Promise<string[]> {
    const failed: string[] = []
    const using = ['urn:ietf:params:jmap:core', 'urn:ietf:params:jmap:mail']
    const headers = { authorization, 'content-type': 'application/json' }
    const ask = async (name: string, args: object): Promise<string> => {
      const body = JSON.stringify({ using, methodCalls: [[name, { accountId: 'alice', ...args }, 'c']] })
      const answer = await this.#view(`JMAP ${name}`, () => this.#get('jmap/api', { method: 'POST', headers, body }))
      // A lab without memory says so.
      const isRefused = /^\{"methodResponses":\[\["error",\{"type":"(?!serverUnavailable|requestTooLarge)/.test(
        answer.text,
      )
      if (answer.status !== 200 || isRefused) failed.push(`JMAP ${name}: ${answer.status} ${answer.text.slice(0, 300)}`)
      return answer.text
    }
    const id = /"ids":\["([^"]+)"/.exec(await ask('Email/query', { filter: { text: 'a' } }))?.[1]
    const found = id ?? /"ids":\["([^"]+)"/.exec(await ask('Email/query', {}))?.[1]
    const parts = ['bodyStructure', 'textBody', 'htmlBody', 'attachments']
    const headersOf = { bodyProperties: ['partId', 'size', 'name', 'headers', 'header:Subject:asText:all'] }
    for (const more of [
      {},
      { properties: ['headers', 'header:To:asGroupedAddresses:all', 'references', 'subject', 'preview'] },
      { properties: parts, ...headersOf },
      { properties: ['bodyValues'], fetchAllBodyValues: true },
      { properties: ['bodyValues'], fetchAllBodyValues: true, maxBodyValueBytes: 100_000 },
    ])
      await ask('Email/get', { ids: [found], ...more })
    await ask('Email/parse', { blobIds: [found], fetchAllBodyValues: true })
    await ask('SearchSnippet/get', { emailIds: [found], filter: { text: 'a' } })
    return failed
  }

  /** Waits, and calls the tools of MCP. */
  async #waitAndMcp(id: string): Promise<string[]> {
    const waits = (): Promise<Answer>[] =>
      Array.from({ length: 5 }, (_, i) => this.#post('api/v1/wait', { text: `no-such-word-${i}`, timeout: '100ms' }))
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call' }
    const include = ['headers', 'html', 'structure', 'raw']
    const params = { name: 'get_message', arguments: { id, include } }
    const answers = await this.#view('wait and MCP', () =>
      Promise.all([...waits(), this.#post('mcp', { ...call, params })]),
    )
    return answers.flatMap(({ status, text }) => (status >= 500 ? [`${status} ${text.slice(0, 200)}`] : []))
  }

  async #imap(): Promise<string[]> {
    const client = await TailClient.open(this.#port('imap4'))
    const failed: string[] = []
    for (const command of ['LOGIN alice secret', 'SELECT INBOX', ...imapCommands]) {
      const end = await this.#view(command, () => client.ask(`x ${command}`, /(?:^|\n)x (?:OK|NO|BAD).*\r\n$/))
      if (!/(?:^|\n)x (?:OK|NO \[LIMIT\])/.test(end)) failed.push(`${command}: ${end}`)
    }
    client.close()
    return failed
  }

  async #pop3(): Promise<string[]> {
    const client = await TailClient.open(this.#port('pop3'))
    const failed: string[] = []
    for (const command of ['USER alice', 'PASS secret']) await client.ask(command, /\r\n$/)
    for (const command of popCommands) {
      const end = await this.#view(command, () => client.ask(command, /^-ERR.*\r\n$|\n\.\r\n$/))
      if (!end.endsWith('\n.\r\n')) failed.push(`${command}: ${end}`)
    }
    client.close()
    return failed
  }
}

/** A client that keeps only the end of what it reads. */
export class TailClient {
  readonly #socket: Socket
  #tail = ''
  #wake = (): void => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('close', () => this.#wake())
    socket.on('data', (chunk: Buffer) => {
      this.#tail = (this.#tail + chunk.subarray(-KEPT_OCTETS).toString('latin1')).slice(-KEPT_OCTETS)
      this.#wake()
    })
  }

  static async open(port = 0): Promise<TailClient> {
    const socket = connect({ host: '127.0.0.1', port })
    const client = new TailClient(socket)
    await client.#until(/\r\n$/)
    return client
  }

  /** Sends a line, and returns the end of the answer. @param isWhole matches the end of a whole one */
  async ask(line: string, isWhole: RegExp): Promise<string> {
    this.#tail = ''
    this.#socket.write(`${line}\r\n`)
    return this.#until(isWhole)
  }

  async #until(isWhole: RegExp): Promise<string> {
    while (!isWhole.test(this.#tail)) {
      if (this.#socket.closed) return 'the server closed the connection'
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#tail
  }

  close(): void {
    this.#socket.destroy()
  }
}

const KEPT_OCTETS = 4_000
