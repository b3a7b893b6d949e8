import { LineClient } from '../../support/line-client.ts'
import type { MailLab } from '../../support/mail-lab.ts'

/** Opens a clear-text session and sends EHLO. */
export async function greeted(lab: MailLab): Promise<LineClient> {
  const client = await LineClient.greeted(lab.port)
  await ehlo(client)
  return client
}

export async function ehlo(client: LineClient): Promise<string[]> {
  client.send('EHLO client.test\r\n')
  return reply(client)
}

/** Waits until the server has read what was sent, so that the next write arrives in a separate segment. */
export async function nextSegment(): Promise<void> {
  // The first turn may come before the event loop polls the sockets; between two turns it has.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Returns the lines of one reply. */
export const reply = (client: LineClient): Promise<string[]> => client.lines((line) => /^\d{3} /.test(line))

/** Sends a command and returns the last line of its reply. */
export async function ask(client: LineClient, command: string): Promise<string> {
  client.send(`${command}\r\n`)
  return (await reply(client)).at(-1) ?? ''
}

/** Opens a transaction from a@b.test, by default to alice, up to the 354 of DATA. */
export async function startData(client: LineClient, ...recipients: string[]): Promise<void> {
  await ask(client, 'MAIL FROM:<a@b.test>')
  for (const recipient of recipients.length > 0 ? recipients : ['alice@lab.test'])
    await ask(client, `RCPT TO:<${recipient}>`)
  const begun = await ask(client, 'DATA')
  if (!begun.startsWith('354 ')) throw new Error(begun)
}

/** Returns a message without its trace fields. */
export const withoutTrace = (raw: string): string =>
  raw.replace(/^Return-Path: <[^\r]*>\r\nReceived: (?:[^\r]+\r\n[ \t])+[^\r]+\r\n/, '')
