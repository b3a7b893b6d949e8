import { greenMail } from '../contenders/greenmail.ts'
import { lab } from '../contenders/lab.ts'
import { bareSmtpServer, mailDev, mailpit, smtpSink } from '../contenders/smtp-peers.ts'
import { mailOf } from '../frame/mail.ts'
import { END, greeted, send } from '../frame/smtp.ts'
import type { RateSuite, Workload } from '../frame/types.ts'
import { onConnections } from '../frame/wire.ts'

const ingest = (octets: number, connections: number): Workload => {
  const data = Buffer.concat([mailOf(octets), END])
  return {
    name: `${octets / 1000} KB, ${connections} connections`,
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
  workloads: [ingest(2000, 4), ingest(100_000, 4), connectionPerMail],
}
