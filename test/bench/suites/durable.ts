import { lab } from '../contenders/lab.ts'
import { postfixAndDovecot } from '../contenders/postfix.ts'
import { mailOf } from '../frame/mail.ts'
import { END, greeted, sendStepwise } from '../frame/smtp.ts'
import type { RateSuite, Workload } from '../frame/types.ts'
import { onConnections } from '../frame/wire.ts'

/** Sends messages that are on disk when they are acknowledged. Clients that send at the same time can share a flush. */
const ingest = (connections: number): Workload => ({
  name: `2 KB, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
  keepsMessages: true,
  unit: 'messages',
  run: (target, untilMs) => {
    const data = Buffer.concat([mailOf(2000), END])
    return onConnections(connections, async () => {
      const wire = await greeted(target)
      let sent = 0
      for (; performance.now() < untilMs; sent++) await sendStepwise(wire, data)
      wire.close()
      return sent
    })
  },
})

export const suite: RateSuite = {
  kind: 'rates',
  title: 'SMTP ingest that survives a power failure',
  contenders: [lab({ protocol: 'smtp', store: 'lmdb' }), lab({ protocol: 'smtp' }), postfixAndDovecot],
  workloads: [1, 8, 32, 128].map(ingest),
}
