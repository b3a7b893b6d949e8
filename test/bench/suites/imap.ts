import { dovecot } from '../contenders/dovecot.ts'
import { greenMail } from '../contenders/greenmail.ts'
import { lab } from '../contenders/lab.ts'
import { mailOf } from '../frame/mail.ts'
import type { Contender, RateSuite, Target, Workload } from '../frame/types.ts'
import { type LoadClient, logOnByImap } from '../frame/wire.ts'

const MESSAGES = 10_000
const BATCH = 100

async function selected(target: Target, mailbox = 'all'): Promise<LoadClient> {
  const wire = await logOnByImap(target)
  await wire.ask(`s SELECT ${mailbox}\r\n`, 's OK')
  await wire.until('\r\n')
  return wire
}

/** Adds a mailbox `all` to the server, filled through IMAP. */
const filled = (contender: Contender): Contender => ({
  ...contender,
  async start() {
    const { reset: _, ...target } = await contender.start()
    const wire = await logOnByImap(target)
    await wire.ask('c CREATE all\r\n', 'c OK')
    for (let from = 0; from < MESSAGES; from += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, i) => appendCommand('all', mailOf(2000, from + i)))
      await wire.ask(Buffer.concat(batch), 'a OK', BATCH)
    }
    wire.close()
    return target
  },
})

const appendCommand = (mailbox: string, raw: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`a APPEND ${mailbox} {${raw.length}+}\r\n`), raw, Buffer.from('\r\n')])

/** Repeats one command over the whole mailbox. */
const overAll = (name: string, command: string): Workload => ({
  name,
  unit: 'messages',
  async run(target, untilMs) {
    const wire = await selected(target)
    let done = 0
    for (; performance.now() < untilMs; done += MESSAGES) {
      await wire.ask(`a ${command}\r\n`, 'a OK')
      await wire.until('\r\n')
    }
    wire.close()
    return done
  },
})

const selecting: Workload = {
  name: 'SELECT of 10,000 messages',
  unit: 'commands',
  async run(target, untilMs) {
    const wire = await logOnByImap(target)
    let done = 0
    for (; performance.now() < untilMs; done++) {
      await wire.ask('a SELECT all\r\n', 'a OK')
      await wire.until('\r\n')
    }
    wire.close()
    return done
  },
}

/** Appends to a mailbox that is created and deleted again, `pipelined` messages at a time with non-synchronizing literals. */
const appending = (pipelined: number): Workload => ({
  name: pipelined === 1 ? 'APPEND of 2 KB, one after another' : `APPEND of 2 KB, ${pipelined} pipelined`,
  unit: 'messages',
  async run(target, untilMs) {
    const wire = await logOnByImap(target)
    await wire.ask('c CREATE bench\r\n', 'c OK')
    await wire.until('\r\n')
    const batch = Buffer.concat(Array<Buffer>(pipelined).fill(appendCommand('bench', mailOf(2000))))
    let done = 0
    for (; performance.now() < untilMs; done += pipelined) await wire.ask(batch, 'a OK', pipelined)
    await wire.ask('d DELETE bench\r\n', 'd OK')
    wire.close()
    return done
  },
})

export const suite: RateSuite = {
  kind: 'rates',
  title: 'IMAP4',
  contenders: [
    filled(lab({ protocol: 'imap4' })),
    filled(dovecot({ protocol: 'imap', messages: [] })),
    filled(greenMail({ protocol: 'imap' })),
  ],
  workloads: [
    overAll('FETCH 1:* BODY.PEEK[], 2 KB each', 'FETCH 1:* BODY.PEEK[]'),
    overAll('FETCH 1:* FLAGS', 'FETCH 1:* FLAGS'),
    overAll('FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)', 'FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)'),
    overAll('FETCH 1:* (ENVELOPE BODYSTRUCTURE)', 'FETCH 1:* (ENVELOPE BODYSTRUCTURE)'),
    overAll('SEARCH HEADER', 'SEARCH HEADER Subject "Message 9999"'),
    overAll('SEARCH TEXT', 'SEARCH TEXT "not to be found"'),
    selecting,
    appending(1),
    appending(50),
  ],
}
