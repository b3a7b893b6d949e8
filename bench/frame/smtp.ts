import type { Target } from './types.ts'
import { LoadClient } from './wire.ts'

const ENVELOPE = 'MAIL FROM:<alice@lab.test>\r\nRCPT TO:<bob@lab.test>\r\nDATA\r\n'
/** The end of a message. */
export const END = Buffer.from('.\r\n')

export async function greeted(target: Pick<Target, 'host' | 'port'>): Promise<LoadClient> {
  const wire = await LoadClient.open(target)
  await wire.until('\r\n')
  await wire.ask('EHLO bench.test\r\n', '\n250 ')
  await wire.until('\r\n')
  return wire
}

/** Sends one message: pipelines the envelope (RFC 2920), sends the body after 354, waits for the final reply. */
export async function send(wire: LoadClient, data: Buffer): Promise<void> {
  await wire.ask(ENVELOPE, '\r\n', 3)
  await wire.ask(data, '250 ')
  await wire.until('\r\n')
}

/** Sends messages over one connection. */
export async function sendAll(target: Pick<Target, 'host' | 'port'>, messages: readonly Buffer[]): Promise<void> {
  const wire = await greeted(target)
  for (const message of messages) await send(wire, Buffer.concat([message, END]))
  wire.close()
}
