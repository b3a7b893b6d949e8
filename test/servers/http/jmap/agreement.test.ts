import { ImapFlow } from 'imapflow'
import { beforeAll, expect, it } from 'vitest'
import { isLong } from '../../../support/long.ts'
import { isThorough } from '../../../support/thorough.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

/** `npm run test:all`, of each week, runs 10,000, and `npm run test:slow`, of each push, 2,000. */
const COMMANDS = isLong ? 10_000 : isThorough ? 2_000 : 240
/** Commands between two comparisons. */
const ROUND = isThorough ? 40 : 12
const SEED = Number(process.env.SEALPOST_SEED ?? 7)

const http = HttpLab.ofTests({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })
const jmap = new JmapClient(http)
let imap: ImapFlow
beforeAll(async () => {
  const account = http.lab.imapflow({ user: 'alice', pass: 'secret' })
  imap = new ImapFlow({ ...account, logger: false, disableCompression: true })
  await imap.connect()
  return () => imap.close()
})

// biome-ignore lint/suspicious/noExplicitAny: answers have the shapes of the RFC
type Json = any

/** Returns whole numbers below a limit, the same in each run. */
function generator(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit
  }
}
const random = generator(SEED)
const oneOf = <T>(list: readonly T[]): T => list[random(list.length)] as T

const FLAGS = ['\\Seen', '\\Flagged', '\\Answered', '\\Draft', '\\Deleted', '$Forwarded', 'Work']
const KEYWORDS = ['$seen', '$flagged', '$answered', '$draft', '$forwarded', 'work']
const keywordOf = (flag: string): string => flag.toLowerCase().replace('\\', '$')
let counter = 0

/** Returns the mailboxes of the account. Levels without a mailbox, and newsgroups, are none. */
const listed = async () =>
  (await imap.list()).filter(({ path, flags }) => !flags.has('\\NonExistent') && !path.startsWith('Public Folders'))
const paths = async (): Promise<string[]> => (await listed()).map(({ path }) => path)
const ownPaths = async (): Promise<string[]> => (await paths()).filter((path) => path.startsWith('M'))

/** Runs a command in a mailbox that has messages, with the uid of one of them. */
async function withMessage(run: (uid: string) => Promise<unknown>): Promise<void> {
  await imap.mailboxOpen(oneOf(await paths()))
  const uids = ((await imap.search({ all: true }, { uid: true })) || []) as number[]
  if (uids.length > 0) await run(`${oneOf(uids)}`)
}

async function append(): Promise<void> {
  const number = ++counter
  const parent = random(3) > 0 && number > 1 ? `References: <${1 + random(number - 1)}@x>\r\n` : ''
  // Some messages are equal.
  const raw = `Message-ID: <${number}@x>\r\nSubject: s${random(9)}\r\n${parent}\r\ntext\r\n`
  const flags = FLAGS.filter((flag) => flag !== '\\Deleted' && random(4) === 0)
  for (const path of random(6) === 0 ? [oneOf(await paths()), 'INBOX'] : [oneOf(await paths())])
    await imap.append(path, raw, flags, new Date(1e12 + random(1000) * 1e6))
}

async function emailIds(): Promise<string[]> {
  return (await jmap.ask('Email/query', {})).ids
}
const setEmail = async (change: (id: string) => object): Promise<void> => {
  const ids = await emailIds()
  if (ids.length > 0) await jmap.ask('Email/set', change(oneOf(ids)))
}
const ownBoxes = async (): Promise<Json[]> =>
  (await jmap.ask('Mailbox/get')).list.filter(({ name }: Json) => name.startsWith('M'))

/** Commands of IMAP and of JMAP. Some are refused, which changes nothing. */
const commands: readonly (() => Promise<unknown>)[] = [
  ...[append, append, append, append, append],
  () => withMessage((uid) => imap.messageFlagsAdd(uid, [oneOf(FLAGS)], { uid: true })),
  () => withMessage((uid) => imap.messageFlagsAdd(uid, [oneOf(FLAGS)], { uid: true })),
  () => withMessage((uid) => imap.messageFlagsRemove(uid, [oneOf(FLAGS)], { uid: true })),
  () => withMessage(async (uid) => imap.messageCopy(uid, oneOf(await paths()), { uid: true })),
  () => withMessage(async (uid) => imap.messageMove(uid, oneOf(await paths()), { uid: true })),
  () => withMessage((uid) => imap.messageDelete(uid, { uid: true })),
  async () => imap.mailboxCreate(random(2) ? `M${random(9)}` : `M${random(9)}/M${random(9)}`),
  async () => {
    const old = await ownPaths()
    if (old.length > 0) await imap.mailboxRename(oneOf(old), `M${random(20)}`)
  },
  async () => {
    const old = await ownPaths()
    if (old.length > 5) await imap.mailboxDelete(oneOf(old))
  },
  // imapflow shows INBOX as subscribed in any case.
  async () =>
    imap[random(2) ? 'mailboxSubscribe' : 'mailboxUnsubscribe'](
      oneOf((await paths()).filter((path) => path !== 'INBOX')),
    ),
  () => setEmail((id) => ({ update: { [id]: { [`keywords/${oneOf(KEYWORDS)}`]: random(2) ? true : null } } })),
  () => setEmail((id) => ({ update: { [id]: { [`keywords/${oneOf(KEYWORDS)}`]: random(2) ? true : null } } })),
  async () => {
    const { list } = await jmap.ask('Mailbox/get', { properties: ['id'] })
    await setEmail((id) => ({ update: { [id]: { mailboxIds: { [oneOf<Json>(list).id]: true } } } }))
    await setEmail((id) => ({ update: { [id]: { [`mailboxIds/${oneOf<Json>(list).id}`]: random(2) ? true : null } } }))
  },
  () => setEmail((id) => ({ destroy: [id] })),
  async () => {
    const parentId = random(2) ? ((await ownBoxes())[0]?.id ?? null) : null
    await jmap.ask('Mailbox/set', {
      create: { x: { name: `M${random(20)}`, parentId, isSubscribed: random(2) === 0 } },
    })
  },
  async () => {
    const boxes = await ownBoxes()
    if (boxes.length === 0) return
    const parentId = random(2) ? oneOf(boxes).id : null
    const patch = { name: `M${random(20)}`, parentId, isSubscribed: random(2) === 0 }
    await jmap.ask('Mailbox/set', { update: { [oneOf(boxes).id]: patch } })
  },
  async () => {
    const boxes = await ownBoxes()
    await imap.mailboxOpen('INBOX')
    if (boxes.length > 5) await jmap.ask('Mailbox/set', { destroy: [oneOf(boxes).id], onDestroyRemoveEmails: true })
  },
  // Few enough messages stay that one call gets all.
  async () => {
    const ids = await emailIds()
    if (ids.length > 100) await jmap.ask('Email/set', { destroy: ids.slice(0, 30) })
  },
]

/** A name may be taken, for example. */
function assertRefused(error: Json): void {
  if (error.responseStatus !== 'NO') throw error
}

const EMAIL = ['id', 'mailboxIds', 'keywords', 'threadId', 'receivedAt']
const TYPES = { Mailbox: undefined, Email: EMAIL, Thread: undefined } as const

type Call = readonly [name: string, args: object]

/** Makes all calls in one request, and returns the results of each in turn. */
async function askAll(calls: readonly (readonly Call[])[]): Promise<Json[][]> {
  const results = (await jmap.call(...calls.flat())).map(([, result]) => result)
  return calls.map(({ length }) => results.splice(0, length))
}

/** A client that follows one type by its changes. */
class Follower {
  readonly #type: keyof typeof TYPES
  readonly #properties: object
  readonly objects = new Map<string, Json>()
  #state = ''
  #maxChanges: number | undefined

  constructor(type: keyof typeof TYPES) {
    this.#type = type
    this.#properties = { ...(TYPES[type] && { properties: TYPES[type] }) }
  }

  get current(): readonly Call[] {
    return [[`${this.#type}/get`, { ids: null, ...this.#properties }]]
  }

  start([{ list, state }]: Json[]): void {
    this.#keep(list)
    this.#state = state
  }

  get check(): readonly Call[] {
    return this.current
  }

  /** Returns calls for a page of changes and what they name. They begin in a request at the index `at`. */
  page(at: number): readonly Call[] {
    this.#maxChanges = random(2) ? 50 : undefined
    const named = (path: string) => ({ resultOf: `c${at}`, name: `${this.#type}/changes`, path })
    const updated = this.#type === 'Mailbox' ? { '#properties': named('/updatedProperties') } : this.#properties
    return [
      [`${this.#type}/changes`, { sinceState: this.#state, maxChanges: this.#maxChanges }],
      [`${this.#type}/get`, { '#ids': named('/created'), ...this.#properties }],
      [`${this.#type}/get`, { '#ids': named('/updated'), ...updated }],
    ]
  }

  /** Returns whether there are more pages. */
  follow([changes, created, updated]: Json[]): boolean {
    expect(changes).toMatchObject({ oldState: this.#state })
    const { length } = [changes.created, changes.updated, changes.destroyed].flat()
    expect(length).toBeLessThanOrEqual(this.#maxChanges ?? 1e9)
    for (const id of changes.destroyed) this.objects.delete(id)
    this.#keep(created.list)
    this.#keep(updated.list)
    this.#state = changes.newState
    return changes.hasMoreChanges
  }

  compare([{ list, state }]: Json[]): void {
    expect(state).toBe(this.#state)
    // An Email that is gone at the next page may have been created in this one.
    const ids = new Set(list.map(({ id }: Json) => id))
    const known = [...this.objects].filter(([id]) => ids.has(id))
    expect(new Map(known)).toEqual(new Map(list.map((one: Json) => [one.id, one])))
    expect(this.objects.size).toBe(list.length)
  }

  #keep(list: readonly Json[]): void {
    for (const one of list) this.objects.set(one.id, { ...this.objects.get(one.id), ...one })
  }
}

/** The results of a query, followed by its changes. */
class FollowedQuery {
  readonly #args: object
  #ids: string[] = []
  #state = ''

  constructor(args: object) {
    this.#args = args
  }

  get current(): readonly Call[] {
    return [['Email/query', this.#args]]
  }

  get check(): readonly Call[] {
    const since = { sinceQueryState: this.#state, calculateTotal: true }
    return [['Email/queryChanges', { ...this.#args, ...since }], ...this.current]
  }

  start([{ ids, queryState }]: Json[]): void {
    ;[this.#ids, this.#state] = [ids, queryState]
  }

  compare([found, fresh]: Json[]): void {
    const ids: string[] = this.#ids.filter((id) => !found.removed.includes(id))
    for (const { id, index } of found.added) ids.splice(index, 0, id)
    expect([this.#args, ids, found.newQueryState, found.total]).toEqual([
      this.#args,
      fresh.ids,
      fresh.queryState,
      ids.length,
    ])
    ;[this.#ids, this.#state] = [ids, found.newQueryState]
  }
}

async function startAll(all: readonly (Follower | FollowedQuery)[]): Promise<void> {
  const answers = await askAll(all.map(({ current }) => current))
  for (const [at, one] of all.entries()) one.start(answers[at] as Json[])
}

/** Compares what JMAP has with what IMAP shows. */
async function compareWithImap(mailboxes: ReadonlyMap<string, Json>, emails: ReadonlyMap<string, Json>): Promise<void> {
  interface Shown {
    readonly mailboxIds: Json
    readonly copies: string[][]
    readonly threadId: string
  }
  const shown = new Map<string, Shown>()
  const pathOf = ({ name, parentId }: Json): string =>
    parentId === null ? name : `${pathOf(mailboxes.get(parentId))}/${name}`
  const boxes = await listed()
  expect(Array.from(mailboxes.values(), (box) => `${pathOf(box)} ${box.isSubscribed}`).sort()).toEqual(
    boxes.map(({ path, subscribed }) => `${path} ${subscribed === true}`).sort(),
  )
  for (const { path } of boxes) {
    const { mailboxId } = (await imap.mailboxOpen(path)) as Json
    expect(pathOf(mailboxes.get(mailboxId))).toBe(path)
    for (const { emailId, threadId, flags } of (await imap.fetchAll('1:*', {
      flags: true,
      threadId: true,
      uid: true,
    })) as Json[]) {
      if (flags.has('\\Deleted')) continue
      const one: Shown = shown.get(emailId) ?? { mailboxIds: {}, copies: [], threadId }
      one.mailboxIds[mailboxId] = true
      one.copies.push([...flags].map(keywordOf).filter((keyword) => keyword !== '$recent'))
      shown.set(emailId, one)
    }
  }
  const expected = Array.from(shown, ([id, { mailboxIds, copies, threadId }]) => {
    const isSeen = copies.every((keywords) => keywords.includes('$seen'))
    const all = new Set(copies.flat().filter((keyword) => keyword !== '$seen' || isSeen))
    return [id, { mailboxIds, threadId, keywords: Object.fromEntries(Array.from(all, (one) => [one, true])) }] as const
  })
  const found = Array.from(
    emails.values(),
    ({ id, mailboxIds, threadId, keywords }) => [id, { mailboxIds, threadId, keywords }] as const,
  )
  expect(new Map(found)).toEqual(new Map(expected))
  for (const [id, { totalEmails, unreadEmails }] of mailboxes) {
    const inside = [...emails.values()].filter(({ mailboxIds }) => mailboxIds[id])
    const unread = inside.filter(({ keywords }) => !keywords.$seen && !keywords.$draft)
    expect([totalEmails, unreadEmails]).toEqual([inside.length, unread.length])
  }
}

it(
  `agrees with IMAP after ${COMMANDS} random commands of both, and its changes lead to the same as a fresh /get`,
  async () => {
    const followers = { Mailbox: new Follower('Mailbox'), Email: new Follower('Email'), Thread: new Follower('Thread') }
    await startAll(Object.values(followers))
    const inbox = [...followers.Mailbox.objects.values()].find(({ role }) => role === 'inbox').id
    const queries = [
      {},
      { filter: { inMailbox: inbox }, sort: [{ property: 'subject' }] },
      {
        filter: { operator: 'NOT', conditions: [{ hasKeyword: '$seen' }] },
        sort: [{ property: 'hasKeyword', keyword: '$flagged' }],
      },
      { filter: { inMailbox: inbox }, collapseThreads: true },
      {
        filter: { someInThreadHaveKeyword: '$flagged' },
        sort: [{ property: 'allInThreadHaveKeyword', keyword: '$seen' }],
      },
      { filter: { subject: 's1' }, collapseThreads: true, sort: [{ property: 'receivedAt' }] },
    ].map((args) => new FollowedQuery(args))
    await startAll(queries)
    for (let done = 0; done < COMMANDS; done += ROUND) {
      for (let at = 0; at < ROUND; at++) await oneOf(commands)().catch(assertRefused)
      for (let behind = Object.values(followers); behind.length > 0; ) {
        const pages = await askAll(behind.map((one, at) => one.page(3 * at)))
        behind = behind.filter((one, at) => one.follow(pages[at] as Json[]))
      }
      const all = [...Object.values(followers), ...queries]
      const answers = await askAll(all.map(({ check }) => check))
      for (const [at, one] of all.entries()) one.compare(answers[at] as Json[])
      await compareWithImap(followers.Mailbox.objects, followers.Email.objects)
    }
  },
  COMMANDS * 1_000,
)
