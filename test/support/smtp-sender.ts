import { LineClient } from './line-client.ts'

/** An SMTP client that sends one message after the other over one connection. */
export class SmtpSender {
  readonly #client: LineClient

  private constructor(client: LineClient) {
    this.#client = client
  }

  static async open(port: number): Promise<SmtpSender> {
    const client = await LineClient.open(port)
    await client.line()
    client.send('EHLO client.test\r\n')
    await client.lines((line) => line.startsWith('250 '))
    return new SmtpSender(client)
  }

  /** Sends a message to `alice@lab.test`. Returns the reply to it, or to the command that was refused. */
  async send(raw: string): Promise<string> {
    for (const command of ['MAIL FROM:<a@lab.test>', 'RCPT TO:<alice@lab.test>', 'DATA']) {
      const reply = await this.#reply(`${command}\r\n`)
      if (!/^[23]/.test(reply)) return reply
    }
    return this.#reply(`${raw}.\r\n`)
  }

  async #reply(text: string): Promise<string> {
    this.#client.send(text)
    return (await this.#client.line()) ?? 'the server closed the connection'
  }

  close(): void {
    this.#client.destroy()
  }
}
