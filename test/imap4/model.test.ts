import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/common/clock.ts'
import { seededRandom } from '../../src/common/random.ts'
import { openStore } from '../../src/store/open.ts'
import type { LineClient } from '../support/line-client.ts'
import { isLong } from '../support/long.ts'
import { connectBy, startImapLab } from './support.ts'

const COMMANDS = isLong ? 10_000 : 2_500
const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', '\\Deleted', 'Work', 'Later'] as const

/** The expected state of the mailbox: uids in order, with their flags. */
type Truth = Map<number, Set<string>>

/** The state of a message that a client knows from the responses it has read. */
interface Known {
  uid?: number
  flags?: Set<string>
}

/** A client whose view of the mailbox comes from responses only. */
class Client {
  readonly name: string
  readonly #line: LineClient
  readonly byUid: boolean
  view: Known[] = []
  idling = false
  #tag = 0

  constructor(name: string, line: LineClient, byUid: boolean) {
    this.name = name
    this.#line = line
    this.byUid = byUid
  }

  /** Sends a command, reads up to its tagged reply, and returns that. */
  async command(text: string): Promise<string> {
    const tag = `${this.name}${++this.#tag}`
    this.#line.send(`${tag} ${text}\r\n`)
    return this.#readTo(tag)
  }

  async startIdle(): Promise<void> {
    this.idling = true
    this.#line.send(`${this.name}${++this.#tag} IDLE\r\n`)
    await this.#readTo('+')
  }

  async endIdle(): Promise<string> {
    this.idling = false
    this.#line.send('DONE\r\n')
    return this.#readTo(`${this.name}${this.#tag}`)
  }

  async #readTo(tag: string): Promise<string> {
    for (;;) {
      const line = await this.#line.line()
      if (line === undefined) throw new Error(`${this.name} was disconnected`)
      if (line.startsWith(`${tag} `)) return line.slice(tag.length + 1)
      this.#untagged(line)
    }
  }

  #untagged(line: string): void {
    const [, number, what, rest = ''] = /^\* (\d+) (EXISTS|EXPUNGE|FETCH)(.*)$/.exec(line) ?? []
    const vanished = /^\* VANISHED ([\d:,]+)$/.exec(line)?.[1]
    if (what === 'EXISTS') this.#exists(Number(number))
    else if (what === 'EXPUNGE') this.#gone(Number(number) - 1)
    else if (what === 'FETCH') this.#fetched(Number(number) - 1, rest)
    else if (vanished) for (const uid of numbers(vanished)) this.#gone(this.#placeOf(uid))
    else if (/^\* (BAD|BYE)/.test(line)) throw new Error(`${this.name} received ${line}`)
  }

  /** Returns the position of a uid. If the client does not know the uid, it is the last unknown one before a greater uid. */
  #placeOf(uid: number): number {
    const index = this.view.findIndex((known) => known.uid === uid)
    if (index >= 0) return index
    const next = this.view.findIndex((known) => (known.uid ?? 0) > uid)
    const end = next === -1 ? this.view.length : next
    return this.view.slice(0, end).findLastIndex((known) => known.uid === undefined)
  }

  #exists(count: number): void {
    expect(count).toBeGreaterThanOrEqual(this.view.length)
    while (this.view.length < count) this.view.push({})
  }

  #gone(index: number): void {
    expect(this.view[index], `${this.name}: no message ${index + 1}`).toBeDefined()
    this.view.splice(index, 1)
  }

  #fetched(index: number, data: string): void {
    const known = this.view[index]
    if (!known) throw new Error(`${this.name}: no message ${index + 1}`)
    const uid = /UID (\d+)/.exec(data)?.[1]
    const flags = /FLAGS \(([^)]*)\)/.exec(data)?.[1]
    if (uid !== undefined) {
      expect(known.uid ?? Number(uid), `${this.name}: uid of message ${index + 1}`).toBe(Number(uid))
      known.uid = Number(uid)
    }
    if (flags !== undefined)
      known.flags = new Set(flags.split(' ').filter((flag) => flag !== '' && flag !== '\\Recent'))
  }
}

const numbers = (set: string): number[] =>
  set.split(',').flatMap((part) => {
    const [from = 0, to = from] = part.split(':').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })

type Random = () => number
const pick = <T>(random: Random, items: readonly T[]): T => items[Math.floor(random() * items.length)] as T

interface Step {
  readonly client: Client
  readonly truth: Truth
  readonly random: Random
  /** The next uid. */
  readonly next: { uid: number }
}

/** The updates that a command allows: all, all but EXPUNGE, or none because it failed. */
type Reported = 'all' | 'no-expunge' | 'refused'
type Operation = (step: Step) => Promise<Reported>

/** Picks some messages from the client's view: their sequence set and their indexes in the view. */
function someMessages({ client, random }: Step, byUid: boolean): { set: string; indexes: number[] } {
  const count = client.view.length
  const indexes = [
    ...new Set(Array.from({ length: 1 + Math.floor(random() * 4) }, () => Math.floor(random() * count))),
  ].sort((a, b) => a - b)
  return { set: indexes.map((index) => (byUid ? client.view[index]?.uid : index + 1)).join(','), indexes }
}

async function append({ client, truth, random, next }: Step): Promise<Reported> {
  const flags = FLAGS.filter(() => random() < 0.2)
  const reply = await client.command(`APPEND INBOX (${flags.join(' ')}) {12+}\r\nSubject: x\r\n`)
  expect(reply).toMatch(new RegExp(`^OK \\[APPENDUID \\d+ ${next.uid}\\]`))
  truth.set(next.uid++, new Set(flags))
  return 'all'
}

async function store(step: Step): Promise<Reported> {
  const { client, truth, random } = step
  const byUid = client.byUid || random() < 0.5
  const { set, indexes } = someMessages(step, byUid)
  const sign = pick(random, ['+', '-', ''])
  const silent = random() < 0.5
  const flags = FLAGS.filter(() => random() < 0.4)
  const uids = indexes.map((index) => client.view[index]?.uid as number)
  const reply = await client.command(
    `${byUid ? 'UID ' : ''}STORE ${set} ${sign}FLAGS${silent ? '.SILENT' : ''} (${flags.join(' ')})`,
  )
  const present = uids.filter((uid) => truth.has(uid))
  expect(reply).toMatch(present.length < uids.length ? /^OK \[EXPUNGEISSUED\]/ : /^OK/)
  for (const uid of present) {
    const before = truth.get(uid) as Set<string>
    const after = sign === '' ? new Set<string>(flags) : new Set(before)
    for (const flag of flags) sign === '-' ? after.delete(flag) : after.add(flag)
    truth.set(uid, after)
    const known = client.view.find((message) => message.uid === uid)
    // With .SILENT the client computes the new flags itself.
    if (silent && known) known.flags = new Set(after)
  }
  return byUid ? 'all' : 'no-expunge'
}

async function expunge({ client, truth, random }: Step): Promise<Reported> {
  const known = client.view.map(({ uid }) => uid as number)
  const some = random() < 0.5 ? known : known.filter(() => random() < 0.5)
  if (some.length === 0) return noop({ client } as Step)
  const reply = await client.command(some === known ? 'EXPUNGE' : `UID EXPUNGE ${some.join(',')}`)
  expect(reply).toMatch(/^OK/)
  for (const uid of some) if (truth.get(uid)?.has('\\Deleted')) truth.delete(uid)
  return 'all'
}

async function copy(step: Step): Promise<Reported> {
  const { client, truth, random, next } = step
  const byUid = random() < 0.5
  const { set, indexes } = someMessages(step, byUid)
  const verb = pick(random, ['COPY', 'MOVE'])
  const present = indexes.map((index) => client.view[index]?.uid as number).filter((uid) => truth.has(uid))
  const reply = await client.command(`${byUid ? 'UID ' : ''}${verb} ${set} INBOX`)
  const isRefused = present.length === 0 && !byUid
  expect(reply).toMatch(isRefused ? /^NO \[EXPUNGEISSUED\]/ : /^OK/)
  for (const uid of present) {
    truth.set(next.uid++, new Set(truth.get(uid)))
    if (verb === 'MOVE') truth.delete(uid)
  }
  return isRefused ? 'refused' : 'all'
}

async function fetchFlags(step: Step): Promise<Reported> {
  const { client, random } = step
  const byUid = random() < 0.5
  const { set } = someMessages(step, byUid)
  expect(await client.command(`${byUid ? 'UID ' : ''}FETCH ${set} (UID FLAGS)`)).toMatch(/^OK/)
  return byUid ? 'all' : 'no-expunge'
}

async function search({ client, random }: Step): Promise<Reported> {
  expect(await client.command(`SEARCH ${pick(random, ['SEEN', 'KEYWORD work', 'NOT FLAGGED', '1:*'])}`)).toMatch(/^OK/)
  return 'no-expunge'
}

async function noop({ client }: Step): Promise<Reported> {
  expect(await client.command('NOOP')).toMatch(/^OK/)
  return 'all'
}

async function reselect({ client, random }: Step): Promise<Reported> {
  if (random() < 0.5) expect(await client.command('UNSELECT')).toMatch(/^OK/)
  client.view = []
  expect(await client.command('SELECT INBOX')).toMatch(/^OK/)
  return 'all'
}

const OPERATIONS: readonly (readonly [weight: number, operation: Operation])[] = [
  [20, append],
  [30, store],
  [8, expunge],
  [4, copy],
  [12, fetchFlags],
  [8, search],
  [10, noop],
  [1, reselect],
]
const WHEEL = OPERATIONS.flatMap(([weight, operation]) => Array<Operation>(weight).fill(operation))

/** Returns the uids that a client knows after a command, in order. */
function knownUids(result: Reported, before: readonly number[], truth: Truth): readonly number[] {
  if (result === 'refused') return before
  const last = before.at(-1) ?? 0
  return result === 'all' ? [...truth.keys()] : [...before, ...[...truth.keys()].filter((uid) => uid > last)]
}

/** Compares a client's view with the uids that it should know, and with the real flags. */
function check({ view, name }: Client, uids: readonly number[], truth: Truth, flagsToo = true): void {
  expect(view.length, `${name}: number of messages`).toBe(uids.length)
  view.forEach((known, index) => {
    const uid = uids[index] as number
    if (known.uid !== undefined && known.uid !== uid)
      throw new Error(`${name}: message ${index + 1} is ${uid}, not ${known.uid}`)
    known.uid = uid
    const flags = truth.get(uid)
    if (!known.flags || !flags || !flagsToo) return
    const [seen, real] = [[...known.flags].sort().join(' '), [...flags].sort().join(' ')]
    if (seen !== real) throw new Error(`${name}: flags of ${uid} are ${real}, not ${seen}`)
  })
}

test.each([
  ['memory', 1],
  ['memory', 20260202],
  ['lmdb', 3],
] as const)(`4 sessions, ${COMMANDS} random commands, store %s, seed %i`, { timeout: 300_000 }, async (kind, seed) => {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-model-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const setting = kind === 'lmdb' ? { lmdb: folder } : kind
  await using store = await openStore(setting, { clock: systemClock, log: pino({ level: 'silent' }) })
  await using lab = await startImapLab({ store })
  const random = seededRandom(seed)
  const truth: Truth = new Map()
  const next = { uid: 1 }
  const clients: Client[] = []
  const known = new Map<Client, readonly number[]>()
  for (const [i, enabled] of [[], [], ['CONDSTORE'], ['QRESYNC']].entries()) {
    const client = new Client(`s${i}-`, await connectBy(i % 2 === 0 ? 'TLS' : 'STARTTLS', lab), false)
    await client.command('LOGIN alice secret')
    if (enabled.length > 0) await client.command(`ENABLE ${enabled.join(' ')}`)
    await client.command('SELECT INBOX')
    clients.push(client)
    known.set(client, [])
  }
  for (let n = 0; n < COMMANDS; n++) {
    const client = pick(random, clients)
    const before = known.get(client) ?? []
    const operation = pick(random, WHEEL)
    const needsMessages = operation !== append && operation !== noop && operation !== reselect && operation !== search
    let result: Reported = 'all'
    if (client.idling) expect(await client.endIdle()).toMatch(/^OK/)
    else if (random() < 0.05) {
      await client.startIdle()
      // Updates may arrive before or after the continuation, so they are checked when IDLE ends.
      continue
    } else
      result = await (needsMessages && client.view.length === 0 ? noop : operation)({ client, truth, random, next })
    const uids = knownUids(result, before, truth)
    check(client, uids, truth, result !== 'refused')
    known.set(client, uids)
  }
  for (const client of clients) {
    if (client.idling) await client.endIdle()
    await client.command('NOOP')
    check(client, [...truth.keys()], truth)
    await client.command('UID FETCH 1:* FLAGS')
    check(client, [...truth.keys()], truth)
  }
  expect(truth.size).toBeGreaterThan(0)
})
