import { writeFileSync } from 'node:fs'
import { createTransport } from 'nodemailer'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { isLong } from '../../support/long.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'
import { type Host, startHost } from './client/hosts.ts'

/** `SEALPOST_CRASH_ROUNDS=1000 npx vitest run test/transport/outgoing/crash.test.ts`: docs/outgoing-mail.md has the figures. */
const ROUNDS = Number(process.env.SEALPOST_CRASH_ROUNDS ?? (isLong ? 5 : 1))
const SEED = Number(process.env.SEALPOST_SEED ?? 1)
/** A file for the figures. */
const REPORT = process.env.SEALPOST_CRASH_REPORT
const CONNECTIONS = 5

const config = (port: number): string => `
store: { lmdb: data }
certificates: { store: memory, key: p256 }
directory:
  accounts: [{ user: alice, password: secret }]
outgoing:
  connectors:
    - name: Out
      smartHost: { host: 127.0.0.1, port: ${port} }
      when: automatic
      keepCopy: false
      schedule: { retry: [100ms], connections: ${CONNECTIONS} }
virtualServers:
  - { protocol: smtp, port: 0 }
`

/** A host that counts what it gets. It defers some recipients at first, and takes a moment for each message. */
class CountingHost {
  /** The rounds in which each message was accepted, by message and recipient. */
  readonly accepted = new Map<string, number[]>()
  round = 0
  readonly #deferred = new Set<string>()

  open(): Promise<Host> {
    return startHost({
      onRcptTo: ({ address }, _session, done) => {
        const isNew = address.startsWith('later') && !this.#deferred.has(address)
        if (isNew) this.#deferred.add(address)
        done(isNew ? Object.assign(new Error('later'), { responseCode: 451 }) : undefined)
      },
      onData: (stream, { envelope }, done) => {
        const chunks: Buffer[] = []
        stream.on('data', (chunk: Buffer) => chunks.push(chunk))
        stream.on('end', () => {
          const messageId = /^Message-ID: (.*)\r$/m.exec(Buffer.concat(chunks).toString('latin1'))?.[1]
          for (const { address } of envelope.rcptTo) {
            const key = `${messageId} ${address}`
            this.accepted.set(key, [...(this.accepted.get(key) ?? []), this.round])
          }
          done(null, 'queued')
        })
      },
    })
  }
}

/** Clients that send mail until the lab is gone. */
class Load {
  readonly acknowledged: string[] = []
  #sent = 0
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined
  readonly #round: number

  constructor(round: number) {
    this.#round = round
  }

  hasAcknowledged(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { count, resolve }
    })
  }

  async run(lab: StartedLab): Promise<void> {
    const port = lab.endpoint('smtp').port ?? 0
    await Promise.all([this.#send(port), this.#send(port), this.#send(port)])
  }

  async #send(port: number): Promise<void> {
    const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true, pool: true, maxConnections: 1 })
    try {
      for (;;) {
        const id = `${this.#round}.${++this.#sent}`
        const to = [`now-${id}@example.test`, `later-${id}@example.test`]
        const body = 'x'.repeat(this.#sent % 7 === 0 ? 100_000 : 1_000).replace(/.{76}/g, '$&\r\n')
        const raw = `From: a@lab.test\r\nMessage-ID: <${id}@crash.test>\r\n\r\n${body}\r\n`
        await transport.sendMail({ envelope: { from: 'a@lab.test', to }, raw })
        for (const address of to) this.acknowledged.push(`<${id}@crash.test> ${address}`)
        if (this.#waiting && this.acknowledged.length >= this.#waiting.count) this.#waiting.resolve()
      }
    } catch {
      // The lab was killed.
    } finally {
      transport.close()
    }
  }
}

describe(`kill -9 while mail goes out, ${ROUNDS} times (SEALPOST_SEED=${SEED})`, () => {
  it(
    'loses no acknowledged message, and doubles only what was accepted by the host right before',
    async () => {
      const place = new Workplace()
      const random = seededRandom(SEED)
      const counting = new CountingHost()
      await using host = await counting.open()
      const file = place.write('lab.yaml', config(host.port))
      const start = (): Promise<StartedLab> => place.start(['--config', file, '--log-level', 'error'])
      const acknowledged: string[] = []
      for (let round = 0; round < ROUNDS; round++) {
        counting.round = round
        const load = new Load(round)
        const lab = await start()
        const running = load.run(lab)
        const stopped = running.then(() => Promise.reject(new Error('the clients stopped before the lab')))
        await Promise.race([load.hasAcknowledged(2 + Math.floor(random() * 60)), stopped])
        // Mail is at any point of its way now. A few turns vary that point further.
        for (let turns = Math.floor(random() * 20); turns > 0; turns--) await new Promise(setImmediate)
        await lab.end('SIGKILL')
        await running
        acknowledged.push(...load.acknowledged)
      }
      counting.round = ROUNDS
      const lab = await start()
      const missing = (): number => acknowledged.filter((key) => !counting.accepted.has(key)).length
      await expect.poll(missing, { timeout: 60_000, interval: 100 }).toBe(0)
      await lab.end('SIGTERM')
      const { status, stderr } = await place.run(['store', 'check', '--config', file])
      expect([status, stderr]).toEqual([0, ''])
      const doubled = [...counting.accepted].filter(([, rounds]) => rounds.length > 1)
      const facts = { rounds: ROUNDS, acknowledged: acknowledged.length, lost: missing(), doubled: doubled.length }
      if (REPORT !== undefined) writeFileSync(REPORT, `${JSON.stringify(facts)}\n`)
      // A lab sends a message once. After a kill, the next one repeats at most what was in the air.
      for (const [key, rounds] of doubled) expect(new Set(rounds).size, key).toBe(rounds.length)
      const kills = new Map<number, number>()
      for (const [, rounds] of doubled) {
        for (const round of rounds.slice(0, -1)) kills.set(round, (kills.get(round) ?? 0) + 1)
      }
      // Each connection has one message in the air, of one or two recipients.
      for (const [round, count] of kills) expect(count, `round ${round}`).toBeLessThanOrEqual(2 * CONNECTIONS)
      expect(acknowledged.length).toBeGreaterThanOrEqual(2 * ROUNDS)
    },
    60_000 + ROUNDS * 60_000,
  )
})
