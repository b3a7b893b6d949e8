import type { Target } from './types.ts'
import { LoadClient } from './wire.ts'

const ENVELOPE = ['MAIL FROM:<alice@lab.test>\r\n', 'RCPT TO:<bob@lab.test>\r\n', 'DATA\r\n']
/** The end of a message. */
export const END = Buffer.from('.\r\n')

export async function greeted(target: Pick<Target, 'host' | 'port'>, hello = 'EHLO'): Promise<LoadClient> {
  const wire = await LoadClient.open(target)
  await wire.until('\r\n')
  await wire.ask(`${hello} bench.test\r\n`, '\n250 ')
  await wire.until('\r\n')
  return wire
}

/** Sends one message: pipelines the envelope (RFC 2920), sends the body after 354, waits for the final reply. */
export async function send(wire: LoadClient, data: Buffer): Promise<void> {
  await wire.ask(ENVELOPE.join(''), '\r\n', ENVELOPE.length)
  await wire.ask(data, '250 ')
  await wire.until('\r\n')
}

/** Sends one message, which ends with `END`, to an account of `lab.test`. */
export async function deliver(wire: LoadClient, user: string, data: Buffer): Promise<void> {
  const envelope = ['MAIL FROM:<bench@lab.test>\r\n', `RCPT TO:<${user}@lab.test>\r\n`, 'DATA\r\n']
  await wire.ask(envelope.join(''), '\r\n', envelope.length)
  await wire.ask(data, '250 ')
  await wire.until('\r\n')
}

/** Sends one message as clients without PIPELINING do: waits for the reply to every command. */
export async function sendStepwise(wire: LoadClient, data: Buffer): Promise<void> {
  for (const command of ENVELOPE) await wire.ask(command, '\r\n')
  await wire.ask(data, '250 ')
  await wire.until('\r\n')
}

/** Sends messages over one connection. */
export async function sendAll(target: Pick<Target, 'host' | 'port'>, messages: readonly Buffer[]): Promise<void> {
  const wire = await greeted(target)
  for (const message of messages) await send(wire, Buffer.concat([message, END]))
  wire.close()
}
