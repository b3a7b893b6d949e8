import { LineClient } from '../../support/line-client.ts'

/** A message to send, and by whom. */
interface Sending {
  readonly port: number
  /** The address of the client, by XCLIENT. */
  readonly address: string
  readonly helo?: string
  readonly from: string
  /** Default: alice. */
  readonly to?: string
  readonly message: string | Buffer
}

/** Sends a message by SMTP. Returns the last reply. */
export async function sendFrom({
  port,
  address,
  helo = 'mail.example.test',
  from,
  to = 'alice@lab.test',
  message,
}: Sending): Promise<string> {
  using client = await LineClient.open(port)
  await client.line()
  const reply = async (command: string | Buffer): Promise<string> => {
    client.send(command)
    return (await client.lines((line) => line[3] !== '-')).at(-1) ?? ''
  }
  const ipv6 = address.includes(':') ? 'IPV6:' : ''
  for (const command of [
    'EHLO proxy.test',
    `XCLIENT ADDR=${ipv6}${address}`,
    `EHLO ${helo}`,
    `MAIL FROM:<${from}>`,
    `RCPT TO:<${to}>`,
    'DATA',
  ]) {
    const answer = await reply(`${command}\r\n`)
    if (!/^[23]/.test(answer)) return answer
  }
  return await reply(Buffer.concat([Buffer.from(message), Buffer.from('\r\n.\r\n')]))
}
