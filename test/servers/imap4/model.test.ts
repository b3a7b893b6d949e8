import pino from 'pino'
import { expect, test } from 'vitest'
import { systemClock } from '../../../src/core/time/clock.ts'
import { seededRandom } from '../../../src/core/values/random.ts'
import { openStore } from '../../../src/storage/store/open.ts'
import { newFolder } from '../../support/folder.ts'
import { isLong } from '../../support/long.ts'
import { connectBy, startImapLab } from './support.ts'
import { ViewClient as Client } from './view-client.ts'

const COMMANDS = isLong ? 10_000 : 2_500
const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', '\\Deleted', 'Work', 'Later'] as const

/** The expected state of the mailbox: uids in order, with their flags. */
type Truth = Map<number, Set<string>>

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
  expect(reply).toMatch(present.length < uids.length ? /^OK \[EXPUNGEISSUED\] / : /^OK (?:UID )?STORE /)
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
  const folder = newFolder()
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
