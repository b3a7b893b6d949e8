import { greenMail } from '../contenders/greenmail.ts'
import { lab } from '../contenders/lab.ts'
import { bareSmtpServer, mailDev, mailpit, smtpSink } from '../contenders/smtp-peers.ts'
import { mailOf } from '../frame/mail.ts'
import { END, greeted, send, sendStepwise } from '../frame/smtp.ts'
import type { RateSuite, Workload } from '../frame/types.ts'
import { type LoadClient, onConnections } from '../frame/wire.ts'

interface Shape {
  readonly name: string
  readonly connections: number
  readonly send: (wire: LoadClient, data: Buffer) => Promise<void>
  readonly keepsMessages: boolean
}

/** Ways to send many messages. A store that grows, and a write for each reply, cost the server more. */
const shapes: readonly Shape[] = [
  { name: '4 connections, pipelined, few messages stored', connections: 4, send, keepsMessages: false },
  {
    name: '8 connections, not pipelined, all messages stored',
    connections: 8,
    send: sendStepwise,
    keepsMessages: true,
  },
]

const ingest = (octets: number, { name, connections, send, keepsMessages }: Shape): Workload => {
  const data = Buffer.concat([mailOf(octets), END])
  const size = `${octets / 1000} KB`
  return {
    name: `${size}, ${name}`,
    shapeOf: size,
    keepsMessages,
    unit: 'messages',
    run: (target, untilMs) =>
      onConnections(connections, async () => {
        const wire = await greeted(target)
        let sent = 0
        for (; performance.now() < untilMs; sent++) await send(wire, data)
        wire.close()
        return sent
      }),
  }
}

/** Sends as test suites do: one connection per message, closed with QUIT. */
const connectionPerMail: Workload = {
  name: '2 KB, a connection per mail, 4 at a time',
  unit: 'messages',
  run: (target, untilMs) => {
    const data = Buffer.concat([mailOf(2000), END])
    return onConnections(4, async () => {
      let sent = 0
      for (; performance.now() < untilMs; sent++) {
        const wire = await greeted(target)
        await send(wire, data)
        await wire.ask('QUIT\r\n', '\r\n')
        wire.close()
      }
      return sent
    })
  },
}

export const suite: RateSuite = {
  kind: 'rates',
  title: 'SMTP ingest',
  contenders: [
    lab({ protocol: 'smtp' }),
    lab({ protocol: 'smtp', store: 'lmdb' }),
    bareSmtpServer,
    smtpSink,
    mailDev,
    greenMail({ protocol: 'smtp' }),
    mailpit,
  ],
  workloads: [...[2000, 100_000].flatMap((octets) => shapes.map((shape) => ingest(octets, shape))), connectionPerMail],
}
