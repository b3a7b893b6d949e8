import type { LabInput } from '../../../src/core/config/schema.ts'
import type { QueueEntry, QueueEvent } from '../../../src/transport/outgoing/types.ts'
import { type MailLab, type MailLabOptions, startMailLab } from '../../support/mail-lab.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'

type Connector = NonNullable<LabInput['connectors']>[number]

/** Returns a connector that sends everything to a port of this machine. */
export const connectorTo = (port: number, more: Partial<Connector> = {}): Connector => ({
  name: 'Out',
  smartHost: { host: '127.0.0.1', port },
  when: 'automatic',
  ...more,
})

/** Starts a lab with an SMTP server and connectors. */
export const startOutgoingLab = (
  connectors: readonly Connector[],
  { config, ...options }: MailLabOptions = {},
): Promise<MailLab> =>
  startMailLab(
    { protocol: 'smtp' },
    { ...options, config: { ...config, outgoing: { ...config?.outgoing, connectors: [...connectors] } } },
  )

/** Returns the queue of a lab. */
export const queued = ({ lab }: Pick<MailLab, 'lab'>): readonly QueueEntry[] => lab.outgoing.queue.list()

/** Waits for an event of the queue. */
export function queueEvent({ lab }: Pick<MailLab, 'lab'>, type: QueueEvent['type'], times = 1): Promise<QueueEvent> {
  let left = times
  return new Promise((resolve) => {
    const stop = lab.outgoing.queue.watch((event) => {
      if (event.type !== type || --left > 0) return
      stop()
      resolve(event)
    })
  })
}

interface Sent {
  readonly from?: string
  readonly to: readonly string[]
  readonly raw?: string
  /** Logs on as alice first. */
  readonly logOn?: boolean
}

/** Sends a message to the lab by SMTP. Returns the last reply. */
export async function send(
  { port }: Pick<MailLab, 'port'>,
  { from = 'alice@lab.test', to, raw, logOn }: Sent,
): Promise<string> {
  using sender = await SmtpSender.open(port)
  if (logOn) {
    const reply = await sender.ask(`AUTH PLAIN ${Buffer.from('\0alice\0secret').toString('base64')}`)
    if (!reply.startsWith('235')) return reply
  }
  return await sender.send(raw ?? 'Subject: hello\r\n\r\nbody\r\n', { from, to })
}
