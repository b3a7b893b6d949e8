import { LineClient } from '../support/line-client.ts'
import type { MailLab } from '../support/mail-lab.ts'

/** A client that has said EHLO, in clear. */
export async function greeted(lab: MailLab): Promise<LineClient> {
  const client = await LineClient.open(lab.port)
  await client.line()
  await ehlo(client)
  return client
}

export async function ehlo(client: LineClient): Promise<string[]> {
  client.send('EHLO client.test\r\n')
  return reply(client)
}

/** As long as the server needs to read what was sent: what is sent then comes in a segment of its own. */
export async function nextSegment(): Promise<void> {
  // The first may come before the sockets are looked at again; between the two they are.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** The lines of one reply. */
export const reply = (client: LineClient): Promise<string[]> => client.lines((line) => /^\d{3} /.test(line))

/** Sends a command and gives the last line of its reply. */
export async function ask(client: LineClient, command: string): Promise<string> {
  client.send(`${command}\r\n`)
  return (await reply(client)).at(-1) ?? ''
}

/** Opens a transaction from a@b.test to alice, up to DATA's 354. */
export async function startData(client: LineClient, ...recipients: string[]): Promise<void> {
  await ask(client, 'MAIL FROM:<a@b.test>')
  for (const recipient of recipients.length > 0 ? recipients : ['alice@lab.test'])
    await ask(client, `RCPT TO:<${recipient}>`)
  const begun = await ask(client, 'DATA')
  if (!begun.startsWith('354 ')) throw new Error(begun)
}

/** The message behind its trace fields. */
export const withoutTrace = (raw: string): string =>
  raw.replace(/^Return-Path: <[^\r]*>\r\nReceived: (?:[^\r]+\r\n[ \t])+[^\r]+\r\n/, '')
