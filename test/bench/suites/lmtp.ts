import { dovecot } from '../contenders/dovecot.ts'
import { lab } from '../contenders/lab.ts'
import { mailOf } from '../frame/mail.ts'
import { END, greeted, send } from '../frame/smtp.ts'
import type { Contender, RateSuite, Workload } from '../frame/types.ts'
import { onConnections } from '../frame/wire.ts'

/** The same server by SMTP. */
const bySmtp: Contender = {
  ...lab({ protocol: 'smtp' }),
  name: 'Sealpost by SMTP',
  async start() {
    const target = await lab({ protocol: 'smtp' }).start()
    return { ...target, smtpPort: target.port }
  },
}

/** Delivers messages for one recipient. */
const deliveries = (octets: number): Workload => ({
  name: `${octets / 1000} KB, 4 connections`,
  unit: 'messages',
  run: (target, untilMs) => {
    const data = Buffer.concat([mailOf(octets), END])
    return onConnections(4, async () => {
      const wire = await greeted(target, target.smtpPort === undefined ? 'LHLO' : 'EHLO')
      let sent = 0
      for (; performance.now() < untilMs; sent++) await send(wire, data)
      wire.close()
      return sent
    })
  },
})

export const suite: RateSuite = {
  kind: 'rates',
  title: 'LMTP',
  contenders: [lab({ protocol: 'lmtp' }), bySmtp, dovecot({ protocol: 'lmtp', messages: [] })],
  workloads: [2000, 100_000].map(deliveries),
}
