import { createTransport } from 'nodemailer'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import type { Owner } from '../../../src/storage/store/folder.ts'
import { accountOwner, PUBLIC_OWNER } from '../../../src/storage/store/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { isLong } from '../../support/long.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'
import { TestClock } from '../../support/test-clock.ts'

/** `npm run test:crash` sets 100. */
const ROUNDS = Number(process.env.SEALPOST_CRASH_ROUNDS ?? (isLong ? 10 : 2))
const SEED = Number(process.env.SEALPOST_SEED ?? 1)

const CONFIG = `
store: { lmdb: data }
certificates: { store: memory, key: p256 }
directory:
  accounts: [{ user: alice, password: secret }]
news:
  groups: [{ name: lab.general }]
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: nntp, port: 0, tlsPort: off }
`

/** A message that the server acknowledged. */
interface Acknowledged {
  readonly owner: Owner
  readonly messageId: string
  readonly body: string
}

/** Clients that send mail and news until `end`. */
class Load {
  readonly acknowledged: Acknowledged[] = []
  #sent = 0
  #isOver = false
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined
  readonly #round: number
  readonly #random: () => number

  constructor(round: number, random: () => number) {
    this.#round = round
    this.#random = random
  }

  /** Resolves when the server has acknowledged `count` messages. */
  hasAcknowledged(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = { count, resolve }
    })
  }

  /** Resolves when the server is gone. */
  async run(lab: StartedLab): Promise<void> {
    const [smtp, nntp] = [lab.endpoint('smtp').port ?? 0, lab.endpoint('nntp').port ?? 0]
    await Promise.all([this.#mail(smtp), this.#mail(smtp), this.#mail(smtp), this.#news(nntp), this.#news(nntp)])
  }

  end(): void {
    this.#isOver = true
  }

  #acknowledge(message: Acknowledged): void {
    this.acknowledged.push(message)
    if (this.acknowledged.length === this.#waiting?.count) this.#waiting.resolve()
  }

  async #mail(port: number): Promise<void> {
    const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true, pool: true, maxConnections: 1 })
    try {
      while (!this.#isOver) {
        const { messageId, body, raw } = this.#message(['From: a@lab.test', 'To: alice@lab.test'])
        await transport.sendMail({ envelope: { from: 'a@lab.test', to: 'alice@lab.test' }, raw })
        this.#acknowledge({ owner: accountOwner('alice'), messageId, body })
      }
    } catch {
      // The server was killed.
    } finally {
      transport.close()
    }
  }

  async #news(port: number): Promise<void> {
    const client = await LineClient.open(port).catch(() => undefined)
    await client?.line()
    while (client && !this.#isOver) {
      const { messageId, body, raw } = this.#message(['From: a@lab.test', 'Newsgroups: lab.general', 'Subject: s'])
      client.send('POST\r\n')
      if (!(await client.line())?.startsWith('340')) break
      client.send(`${raw}.\r\n`)
      if (!(await client.line())?.startsWith('240')) break
      this.#acknowledge({ owner: PUBLIC_OWNER, messageId, body })
    }
    client?.destroy()
  }

  #message(fields: readonly string[]): { messageId: string; body: string; raw: string } {
    const messageId = `<${this.#round}.${++this.#sent}@crash.test>`
    const octets = this.#sent % 7 === 0 ? 200_000 : 1_500
    const body = Buffer.from(Uint8Array.from({ length: octets / 2 }, () => this.#random() * 256))
      .toString('hex')
      .replace(/.{76}/g, '$&\r\n')
    return { messageId, body, raw: [...fields, `Message-ID: ${messageId}`, '', body, ''].join('\r\n') }
  }
}

describe(`kill -9 under load, ${ROUNDS} times (SEALPOST_SEED=${SEED})`, () => {
  it(
    'loses no acknowledged message, keeps no partial one, and reuses no uid',
    async () => {
      const place = new Workplace()
      const random = seededRandom(SEED)
      const config = place.write('lab.yaml', CONFIG)
      const acknowledged: Acknowledged[] = []
      const numbers = new Map<string, string>()
      for (let round = 0; round < ROUNDS; round++) {
        const load = new Load(round, random)
        const lab = await place.start(['--config', config, '--log-level', 'error'])
        const running = load.run(lab)
        const stopped = running.then(() => Promise.reject(new Error('the clients stopped before the server')))
        await Promise.race([load.hasAcknowledged(3 + Math.floor(random() * 60)), stopped])
        // The other clients' messages are at any point of their way now. A few turns vary that point further.
        for (let turns = Math.floor(random() * 20); turns > 0; turns--) await new Promise(setImmediate)
        await lab.end('SIGKILL')
        load.end()
        await running
        acknowledged.push(...load.acknowledged)
        const { status, stderr } = await place.run(['store', 'check', '--config', config])
        expect([status, stderr], `round ${round}`).toEqual([0, ''])
        await expectAllThere(`${place.folder}/data`, acknowledged, numbers)
      }
      expect(acknowledged.length).toBeGreaterThan(ROUNDS * 3)
    },
    ROUNDS * 60_000,
  )
})

async function expectAllThere(
  folder: string,
  acknowledged: readonly Acknowledged[],
  numbers: Map<string, string>,
): Promise<void> {
  await using store = await openLmdbStore(folder, { clock: new TestClock(), log: pino({ level: 'silent' }) })
  const found = new Map<string, string>()
  for (const owner of [accountOwner('alice'), PUBLIC_OWNER] as const) {
    for (const { id, name } of await store.listFolders(owner)) {
      for (const { uid } of await store.list(id)) {
        const text = (await store.read(id, uid))?.toString('latin1') ?? ''
        const messageId = /^Message-ID: (<.*>)\r$/m.exec(text)?.[1] ?? ''
        const key = `${owner} ${messageId}`
        expect(found.has(key), `${key} exists once`).toBe(false)
        found.set(key, text)
        // A uid always belongs to the same message.
        const number = `${owner} ${name} ${uid}`
        expect(numbers.get(number) ?? messageId, number).toBe(messageId)
        numbers.set(number, messageId)
      }
    }
  }
  for (const { owner, messageId, body } of acknowledged) {
    const text = found.get(`${owner} ${messageId}`)
    expect(text?.includes(`\r\n\r\n${body}\r\n`), `${messageId} is there and whole`).toBe(true)
  }
}
