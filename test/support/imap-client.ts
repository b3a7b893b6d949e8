import { LineClient } from './line-client.ts'

/** An IMAP4 client that keeps the lines of the server as they are. Literals are lines among others. */
export class ImapClient {
  readonly #client: LineClient
  #tags = 0

  private constructor(client: LineClient) {
    this.#client = client
  }

  static async open(port: number, user: string, password: string): Promise<ImapClient> {
    const client = new ImapClient(await LineClient.open(port))
    await client.line()
    await client.ok(`LOGIN ${user} ${password}`)
    return client
  }

  /** Reads a line. @throws at the end of the connection */
  async line(): Promise<string> {
    const line = await this.#client.line()
    if (line === undefined) throw new Error('the server closed the connection')
    return line
  }

  /** Reads up to a line that matches, and returns all lines. */
  async until(pattern: RegExp): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.line()
      lines.push(line)
      if (pattern.test(line)) return lines
    }
  }

  /** Sends a command. Returns the lines of its answer; the last one is the tagged one without its tag. */
  async ask(command: string): Promise<string[]> {
    const tag = this.send(command)
    const lines = await this.until(new RegExp(`^${tag} `))
    return [...lines.slice(0, -1), lines.at(-1)?.slice(tag.length + 1) ?? '']
  }

  /** Sends a command that must succeed. Returns the lines of its answer. */
  async ok(command: string): Promise<string[]> {
    const lines = await this.ask(command)
    if (!lines.at(-1)?.startsWith('OK')) throw new Error(`${command}: ${lines.join('\n')}`)
    return lines
  }

  /** Sends a command without waiting. Returns its tag. */
  send(command: string): string {
    const tag = `T${++this.#tags}`
    this.#client.send(`${tag} ${command}\r\n`)
    return tag
  }

  /** Begins IDLE. Read what it reports with `until`. RFC 2177 */
  async idle(): Promise<void> {
    this.send('IDLE')
    await this.until(/^\+/)
  }

  /** Ends IDLE. Returns what was reported meanwhile. */
  async done(): Promise<string[]> {
    this.#client.send('DONE\r\n')
    return this.until(new RegExp(`^T${this.#tags} `))
  }

  /** Appends a message. Returns the tagged line without its tag: `OK [APPENDUID …]`. */
  async append(mailbox: string, raw: string, flags = ''): Promise<string> {
    const tag = this.send(`APPEND ${mailbox} (${flags}) {${Buffer.byteLength(raw, 'latin1')}+}`.concat(`\r\n${raw}`))
    const lines = await this.until(new RegExp(`^${tag} `))
    return lines.at(-1)?.slice(tag.length + 1) ?? ''
  }

  /** Ends the connection without LOGOUT. */
  destroy(): void {
    this.#client.destroy()
  }

  [Symbol.dispose](): void {
    this.destroy()
  }
}
