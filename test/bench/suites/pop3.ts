import { dovecot } from '../contenders/dovecot.ts'
import { greenMail } from '../contenders/greenmail.ts'
import { lab } from '../contenders/lab.ts'
import { mailOf } from '../frame/mail.ts'
import type { RateSuite, Target, Workload } from '../frame/types.ts'
import { LoadClient } from '../frame/wire.ts'

const MESSAGES = 1000
const messages = Array.from({ length: MESSAGES }, (_, i) => mailOf(2000, i))

async function loggedOn(target: Target): Promise<LoadClient> {
  const wire = await LoadClient.open(target)
  await wire.until('\r\n')
  await wire.ask('USER alice\r\n', '\r\n')
  await wire.ask('PASS secret\r\n', '\r\n')
  return wire
}

/** Reads every message of the maildrop repeatedly, `pipelined` RETR at a time. A maildrop allows one session. */
const retrieve = (pipelined: number): Workload => ({
  name: pipelined === 1 ? 'RETR of 2 KB, one after another' : `RETR of 2 KB, ${pipelined} pipelined`,
  unit: 'messages',
  async run(target, untilMs) {
    const wire = await loggedOn(target)
    let read = 0
    while (performance.now() < untilMs) {
      const commands = Array.from({ length: pipelined }, (_, i) => `RETR ${((read + i) % MESSAGES) + 1}\r\n`)
      await wire.ask(commands.join(''), '\r\n.\r\n', pipelined)
      read += pipelined
    }
    await wire.ask('QUIT\r\n', '\r\n')
    wire.close()
    return read
  },
})

const logOn: Workload = {
  name: 'log on, STAT, QUIT',
  unit: 'sessions',
  async run(target, untilMs) {
    let sessions = 0
    for (; performance.now() < untilMs; sessions++) {
      const wire = await loggedOn(target)
      await wire.ask('STAT\r\n', '\r\n')
      await wire.ask('QUIT\r\n', '\r\n')
      wire.close()
    }
    return sessions
  },
}

export const suite: RateSuite = {
  kind: 'rates',
  title: 'POP3',
  contenders: [
    lab({ protocol: 'pop3', messages }),
    dovecot({ protocol: 'pop3', messages }),
    greenMail({ protocol: 'pop3', messages }),
  ],
  workloads: [retrieve(1), retrieve(50), logOn],
}
