import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { openLmdbStore } from '../../../src/storage/store/engines/lmdb/open.ts'
import { accountOwner } from '../../../src/storage/store/folder.ts'
import { FaultyDisk } from '../../support/faulty-disk/faulty-disk.ts'
import { LineClient } from '../../support/line-client.ts'
import { needs } from '../../support/programs.ts'
import { type StartedLab, Workplace } from '../../support/sealpost.ts'
import { SmtpSender } from '../../support/smtp-sender.ts'
import { TestClock } from '../../support/test-clock.ts'

/** `npm run test:faults` sets 40. */
const ROUNDS = Number(process.env.SEALPOST_FAULT_ROUNDS ?? (process.env.SEALPOST_LONG === '1' ? 8 : 2))
const SEED = Number(process.env.SEALPOST_SEED ?? 1)
/** Faults per thousand calls, by turns. */
const RATES = [200, 1000, 50, 500]
/** Calls that must have failed at least once. */
const CALLS = ['pwrite', 'fdatasync']
const MORE_ROUNDS = 10
const SENDERS = 8
/** Refusals that a round waits for. */
const REFUSALS = 12
/** Messages that bob has, more than a round expunges. */
const BOB_MESSAGES = 5_000

const CONFIG = `
store: { lmdb: data }
certificates: { store: memory, key: p256 }
directory:
  accounts: [{ user: alice, password: secret }, { user: bob, password: secret }]
virtualServers:
  - { protocol: smtp, port: 0 }
  - { protocol: imap4, port: 0, tlsPort: off }
`

/** Clients that send mail to alice, and mark and expunge messages of bob, until `end`. They note the replies. */
class Load {
  /** Bodies of the messages that the lab accepted, and the replies to the others, by id. */
  readonly stored = new Map<string, string>()
  readonly refused = new Map<string, string>()
  /** Uids whose expunge was acknowledged, and the others. */
  readonly expunged = new Set<number>()
  readonly kept = new Set<number>()
  readonly #lab: StartedLab
  readonly #random: () => number
  #number = 0
  #isOver = false
  #wake: () => void = () => {}

  constructor(lab: StartedLab, random: () => number) {
    this.#lab = lab
    this.#random = random
  }

  get refusals(): number {
    return this.refused.size + this.kept.size
  }

  get successes(): number {
    return this.stored.size + this.expunged.size
  }

  /** Rejects if the lab closes a connection. */
  async run(): Promise<void> {
    await Promise.all([...Array.from({ length: SENDERS }, () => this.#send()), this.#expunge()])
  }

  end(): void {
    this.#isOver = true
  }

  /** Resolves when `condition` holds. It is checked after every reply. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async #send(): Promise<void> {
    using sender = await SmtpSender.open(this.#lab.endpoint('smtp').port ?? 0)
    while (!this.#isOver) {
      const id = `${++this.#number}`
      const body = this.#body()
      const reply = await sender.send(`Message-ID: ${id}\r\n\r\n${body}`)
      if (reply.startsWith('250')) this.stored.set(id, body)
      else this.refused.set(id, reply)
      expect(reply).toMatch(/^(250 2\.0\.0|452 4\.3\.[12]|451 4\.3\.0) /)
      this.#wake()
    }
  }

  /** Most messages are written together with their entry, every fifth while it arrives. */
  #body(): string {
    const lines = this.#number % 5 === 0 ? 6_000 : 20
    return Array.from({ length: lines }, () => `${`${Math.floor(this.#random() * 1e9)} `.repeat(7)}\r\n`).join('')
  }

  async #expunge(): Promise<void> {
    using client = await LineClient.open(this.#lab.endpoint('imap4').port ?? 0)
    const command = async (text: string): Promise<string> => {
      client.send(`a ${text}\r\n`)
      return (await client.lines((line) => line.startsWith('a '))).at(-1) ?? 'closed'
    }
    await client.line()
    await command('LOGIN bob secret')
    expect(await command('SELECT INBOX')).toMatch(/^a OK/)
    for (let uid = 1; uid <= BOB_MESSAGES && !this.#isOver; uid++) {
      const marked = await command(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`)
      const reply = marked.startsWith('a OK') ? await command(`UID EXPUNGE ${uid}`) : marked
      if (reply.startsWith('a OK')) this.expunged.add(uid)
      else this.kept.add(uid)
      expect(reply).toMatch(/^a (OK|NO \[(OVERQUOTA|UNAVAILABLE)\]) /)
      this.#wake()
    }
  }
}

describe.skipIf(!needs('gcc'))(`a disk that fails at random, ${ROUNDS} times (SEALPOST_SEED=${SEED})`, () => {
  it(
    'never ends the lab, loses nothing acknowledged, keeps nothing refused',
    async () => {
      const faults: string[] = []
      // The faults depend on the order of calls as well: more rounds follow if no flush has failed yet.
      const hasAll = (): boolean => CALLS.every((call) => faults.some((fault) => fault.startsWith(call)))
      for (let round = 0; round < ROUNDS || (!hasAll() && round < ROUNDS + MORE_ROUNDS); round++) {
        faults.push(...(await runRound(SEED * 1000 + round, RATES[round % RATES.length] as number)))
      }
      expect(hasAll(), [...new Set(faults)].join(', ')).toBe(true)
    },
    (ROUNDS + MORE_ROUNDS) * 60_000,
  )
})

/** Returns the faults that happened. */
async function runRound(seed: number, rate: number): Promise<readonly string[]> {
  const place = new Workplace()
  try {
    const config = place.write('lab.yaml', CONFIG)
    const data = `${place.folder}/data`
    await fill(data)
    const disk = new FaultyDisk(place.folder, data, { rate, seed })
    const lab = await place.start(['--config', config, '--log-level', 'error'], { env: disk.env })
    const load = new Load(lab, seededRandom(seed))
    const running = load.run()
    const reach = (condition: () => boolean): Promise<unknown> => Promise.race([load.until(condition), running])
    const label = `seed ${seed}, ${rate} per thousand`
    disk.start()
    await reach(() => load.refusals >= REFUSALS)
    disk.stop()
    // Without faults the lab works again.
    const before = load.successes
    await reach(() => load.successes >= before + SENDERS)
    load.end()
    await running
    expect(await lab.end('SIGTERM'), label).toBe(0)
    const { status, stderr } = await place.run(['store', 'check', '--config', config])
    expect([status, stderr], label).toEqual([0, ''])
    await expectAsReplied(data, load, label)
    return disk.faults()
  } finally {
    place.remove()
  }
}

const openStore = (folder: string) => openLmdbStore(folder, { clock: new TestClock(), log: pino({ level: 'silent' }) })

async function fill(folder: string): Promise<void> {
  await using store = await openStore(folder)
  const { id } = await store.createFolder(accountOwner('bob'), 'INBOX')
  const raw = Buffer.from('Subject: x\r\n\r\nx\r\n')
  await store.append(Array.from({ length: BOB_MESSAGES }, () => ({ raw, targets: [{ folderId: id }] })))
}

/** Expects the messages that were accepted, once and whole, no others, and no message whose expunge was acknowledged. */
async function expectAsReplied(folder: string, load: Load, label: string): Promise<void> {
  await using store = await openStore(folder)
  const inbox = await store.findFolder(accountOwner('alice'), 'INBOX')
  const found = new Map<string, string>()
  for (const { uid } of await store.list(inbox?.id ?? '')) {
    const text = (await store.read(inbox?.id ?? '', uid))?.toString('latin1') ?? ''
    const id = /^Message-ID: (.*)\r$/m.exec(text)?.[1] ?? ''
    expect(found.has(id), `${label}: ${id} exists once`).toBe(false)
    expect(load.refused.get(id), `${label}: ${id} was refused and is there`).toBeUndefined()
    found.set(id, text)
  }
  for (const [id, body] of load.stored) {
    expect(found.get(id)?.endsWith(`\r\n\r\n${body}`), `${label}: ${id} is there and whole`).toBe(true)
  }
  const bobs = await store.findFolder(accountOwner('bob'), 'INBOX')
  const uids = new Set((await store.list(bobs?.id ?? '')).map(({ uid }) => uid))
  for (const uid of load.expunged) expect(uids.has(uid), `${label}: ${uid} was expunged`).toBe(false)
  for (const uid of load.kept) expect(uids.has(uid), `${label}: ${uid} was not expunged`).toBe(true)
}
