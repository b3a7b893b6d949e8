import { LineClient } from './line-client.ts'

/** An SMTP client that sends one message after the other over one connection. */
export class SmtpSender {
  readonly #client: LineClient

  private constructor(client: LineClient) {
    this.#client = client
  }

  static async open(port: number): Promise<SmtpSender> {
    const client = await LineClient.greeted(port)
    client.send('EHLO client.test\r\n')
    await client.lines((line) => line.startsWith('250 '))
    return new SmtpSender(client)
  }

  /** Sends a message. Returns the reply to it, or to the command that was refused. Recipients may have parameters. */
  async send(
    raw: string,
    { from = 'a@lab.test', to = ['alice@lab.test'] }: { readonly from?: string; readonly to?: readonly string[] } = {},
  ): Promise<string> {
    const recipients = to.map((address) => {
      const [mailbox, ...parameters] = address.split(' ')
      return [`RCPT TO:<${mailbox}>`, ...parameters].join(' ')
    })
    for (const command of [`MAIL FROM:<${from}>`, ...recipients, 'DATA']) {
      const reply = await this.ask(command)
      if (!/^[23]/.test(reply)) return reply
    }
    return this.ask(`${raw}.`)
  }

  /** Sends a line. Returns the reply, which must have one line. */
  async ask(line: string): Promise<string> {
    this.#client.send(`${line}\r\n`)
    return (await this.#client.line()) ?? 'the server closed the connection'
  }

  close(): void {
    this.#client.destroy()
  }

  [Symbol.dispose](): void {
    this.close()
  }
}
