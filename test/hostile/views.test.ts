import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { type StartedLab, workplaceOfEach } from '../support/sealpost.ts'
import { hostileBodies } from './bodies.ts'
import { isScaled, repeated } from './support.ts'

const place = workplaceOfEach()
const MIB = 1024 * 1024

/** The lab of a small container. */
const CONFIGURATION = `
hostname: localhost
store: { lmdb: mail }
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers:
  - { protocol: smtp, port: 0, tlsPort: off }
  - { protocol: imap4, port: 0, tlsPort: off, authentication: [basic] }
  - { protocol: pop3, port: 0, tlsPort: off, authentication: [basic] }
  - { protocol: http, port: 0, tlsPort: off }
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

/** Returns the highest resident memory of a lab, in MiB; 0 where the system does not say. proc_pid_status(5). */
function peakMiB({ process: { pid } }: StartedLab): number {
  if (process.platform !== 'linux') return 0
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024
}

/** Views of messages whose ids are not those of the HTTP API. The list is asked for the id. */
const viewsOfOthers = {
  'mailhog/api/v2/messages?limit=1': ['mailhog/api/v1/messages/{id}'],
  'api/v1/messages?limit=1': ['maildev/email/{id}', 'maildev/api/email/{id}', 'maildev/email/{id}/html'],
  'smtp4dev/api/Messages': ['', '/plaintext', '/html', '/source', '/raw', '/part/0/source'].map(
    (path) => `smtp4dev/api/Messages/{id}${path}`,
  ),
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

/** A client that asks a lab for everything. Each call reads its answer to the end, and fails if the lab does not answer. */
class Walker {
  readonly #lab: StartedLab

  constructor(lab: StartedLab) {
    this.#lab = lab
  }

  get #base(): string {
    return `http://127.0.0.1:${this.#lab.endpoint('http').port}`
  }

  async get(path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.#base}/${path}`, init)
    const octets = Buffer.from(await response.arrayBuffer())
    return { status: response.status, text: octets.length > MIB ? '' : octets.toString('utf8') }
  }

  post(path: string, json: object): Promise<{ status: number; text: string }> {
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    return this.get(path, { method: 'POST', headers, body: JSON.stringify(json) })
  }

  /** Delivers a message as the only one of the lab. Returns its id. */
  async deliver(raw: Buffer): Promise<string> {
    await this.get('api/v1/messages?all=true', { method: 'DELETE' })
    const headers = { 'content-type': 'message/rfc822' }
    const body = new Uint8Array(raw)
    const { status, text } = await this.get('api/v1/messages/import?to=alice', { method: 'POST', headers, body })
    expect([status, text.slice(0, 300)]).toEqual([201, expect.anything()])
    return (JSON.parse(text) as { ids: [string] }).ids[0]
  }

  /** Asks for every view of a message by HTTP. Returns those that failed. */
  async httpViews(id: string): Promise<string[]> {
    const failed: string[] = []
    const view = async (path: string): Promise<string> => {
      const { status, text } = await this.get(path)
      if (status >= 500) failed.push(`${status} ${path} ${text.slice(0, 200)}`)
      return text
    }
    for (const path of httpViews) await view(path.replace('{id}', id))
    // Many readers of one message at the same time.
    await Promise.all(Array.from({ length: 10 }, () => view(`api/v1/messages/${id}`)))
    for (const [list, views] of Object.entries(viewsOfOthers)) {
      const found = /"(?:id|ID)":"([^"]+)"/.exec(await view(list))?.[1]
      if (found !== undefined) for (const path of views) await view(path.replace('{id}', found))
    }
    return failed
  }

  /** Waits, and calls the tools of MCP. */
  async waitAndMcp(id: string): Promise<string[]> {
    const waits = Array.from({ length: 5 }, (_, i) =>
      this.post('api/v1/wait', { text: `no-such-word-${i}`, timeout: '100ms' }),
    )
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call' }
    const include = ['headers', 'html', 'structure', 'raw']
    const read = this.post('mcp', { ...call, params: { name: 'get_message', arguments: { id, include } } })
    const answers = await Promise.all([...waits, read])
    return answers.flatMap(({ status, text }) => (status >= 500 ? [`${status} ${text.slice(0, 200)}`] : []))
  }

  async imap(): Promise<string[]> {
    const client = await TailClient.open(this.#lab.endpoint('imap4').port, /\r\n$/)
    const failed: string[] = []
    for (const command of ['LOGIN alice secret', 'SELECT INBOX', ...imapCommands]) {
      const end = await client.ask(`x ${command}`, /(?:^|\n)x (?:OK|NO|BAD).*\r\n$/)
      if (!/(?:^|\n)x (?:OK|NO \[LIMIT\])/.test(end)) failed.push(`${command}: ${end}`)
    }
    client.close()
    return failed
  }

  async pop3(): Promise<string[]> {
    const client = await TailClient.open(this.#lab.endpoint('pop3').port, /\r\n$/)
    const failed: string[] = []
    for (const command of ['USER alice', 'PASS secret']) await client.ask(command, /\r\n$/)
    for (const command of popCommands) {
      const end = await client.ask(command, /^-ERR.*\r\n$|\n\.\r\n$/)
      if (!end.endsWith('\n.\r\n')) failed.push(`${command}: ${end}`)
    }
    client.close()
    return failed
  }
}

/** A client that keeps only the end of what it reads. */
class TailClient {
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

  static async open(port = 0, greeting: RegExp): Promise<TailClient> {
    const socket = connect({ host: '127.0.0.1', port })
    const client = new TailClient(socket)
    await client.#until(greeting)
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

interface Form {
  readonly heapMiB: number
  /** Most resident memory, with the pages of the program and of the store. */
  readonly mostMiB: number
  readonly octets: number
  /** Undefined: all. */
  readonly only?: readonly string[]
}

const SHORT = ['compressed-data of code-like words', 'line ends']
const forms: readonly Form[] = isScaled
  ? [128, 256, 512].map((heapMiB) => ({ heapMiB, octets: 24 * MIB, mostMiB: heapMiB + 512 }))
  : [{ heapMiB: 80, octets: 4 * MIB, only: SHORT, mostMiB: 384 }]

const TIMEOUT_MS = isScaled ? 3_600_000 : 120_000

describe('a hostile message never ends the lab', { timeout: TIMEOUT_MS }, () => {
  test.each(forms)('with a heap of $heapMiB MiB', async ({ heapMiB, octets, only, mostMiB }) => {
    const file = place.write('lab.yaml', CONFIGURATION)
    const env = { NODE_OPTIONS: `--max-old-space-size=${heapMiB}` }
    await using lab = await place.start(['--config', file], { env })
    const walker = new Walker(lab)
    const failed: string[] = []
    for (const [name, raw] of Object.entries(hostileBodies(octets))) {
      if (only && !only.includes(name)) continue
      try {
        const id = await walker.deliver(raw)
        const found = [
          ...(await walker.httpViews(id)),
          ...(await walker.waitAndMcp(id)),
          ...(await walker.imap()),
          ...(await walker.pop3()),
        ]
        failed.push(...found.map((one) => `${name}: ${one}`))
      } catch (error) {
        throw new Error(`${name}: ${error}: ${lab.stderr.join('').slice(-2_000)}`)
      }
    }
    expect(failed).toEqual([])
    expect(peakMiB(lab)).toBeLessThan(mostMiB)
    expect(await lab.end()).toBe(0)
  })

  test('SEARCH finds words in a text that the heap has no room to keep', async () => {
    const file = place.write('lab.yaml', CONFIGURATION)
    await using lab = await place.start(['--config', file], { env: { NODE_OPTIONS: '--max-old-space-size=64' } })
    // The first word is where one piece of the text ends and another begins.
    const text = `${'a'.repeat(64 * 1024 - 4)}first-word${repeated('b', 6 * MIB)}last-word`
    await new Walker(lab).deliver(Buffer.from(`Subject: x\r\n\r\n${text}\r\n`))
    const client = await TailClient.open(lab.endpoint('imap4').port, /\r\n$/)
    const found: string[] = []
    for (const command of [
      'LOGIN alice secret',
      'SELECT INBOX',
      'SEARCH BODY first-word TEXT last-word',
      'SEARCH BODY no-word',
    ])
      found.push(await client.ask(`x ${command}`, /(?:^|\n)x (?:OK|NO|BAD).*\r\n$/))
    client.close()
    expect(found.slice(2)).toEqual(['* SEARCH 1\r\nx OK SEARCH completed\r\n', '* SEARCH\r\nx OK SEARCH completed\r\n'])
    expect(await lab.end()).toBe(0)
  })
})
