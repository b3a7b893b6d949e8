import { ImapFlow } from 'imapflow'
import { beforeAll, expect, it } from 'vitest'
import { isLong } from '../../../support/long.ts'
import { HttpLab } from '../client.ts'
import { JmapClient } from './client.ts'

const COMMANDS = isLong ? 10_000 : 240
/** Commands between two comparisons. */
const ROUND = isLong ? 40 : 12
const SEED = Number(process.env.SEALPOST_SEED ?? 7)

const http = HttpLab.ofTests({ directory: { accounts: [{ user: 'alice', password: 'secret' }] } })
const jmap = new JmapClient(http)
let imap: ImapFlow
beforeAll(async () => {
  imap = new ImapFlow({ ...http.lab.imapflow({ user: 'alice', pass: 'secret' }), logger: false })
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

/** A client that follows one type by its changes. */
class Follower {
  readonly #type: keyof typeof TYPES
  readonly objects = new Map<string, Json>()
  #state = ''

  constructor(type: keyof typeof TYPES) {
    this.#type = type
  }

  async #get(
    ids: readonly string[] | null,
    properties: readonly string[] | undefined = TYPES[this.#type],
  ): Promise<Json> {
    const result = await jmap.ask(`${this.#type}/get`, { ids, ...(properties && { properties }) })
    for (const one of result.list) this.objects.set(one.id, { ...this.objects.get(one.id), ...one })
    return result
  }

  async start(): Promise<void> {
    this.#state = (await this.#get(null)).state
  }

  /** Follows the changes, in pages, and compares with a fresh /get. */
  async follow(): Promise<void> {
    for (let isMore = true; isMore; ) {
      const maxChanges = random(2) ? 50 : undefined
      const found = await jmap.ask(`${this.#type}/changes`, { sinceState: this.#state, maxChanges })
      expect(found).toMatchObject({ oldState: this.#state })
      const { created, updated, destroyed } = found
      expect(created.length + updated.length + destroyed.length).toBeLessThanOrEqual(maxChanges ?? 1e9)
      for (const id of destroyed) this.objects.delete(id)
      await this.#get(created)
      await this.#get(updated, found.updatedProperties ?? undefined)
      this.#state = found.newState
      isMore = found.hasMoreChanges
    }
    const { list, state } = await jmap.ask(`${this.#type}/get`, {
      ids: null,
      ...(TYPES[this.#type] && { properties: TYPES[this.#type] }),
    })
    expect(state).toBe(this.#state)
    // An Email that is gone at the next page may have been created in this one.
    const known = [...this.objects.values()].filter(({ id }) => list.some((one: Json) => one.id === id))
    expect(new Map(known.map((one) => [one.id, one]))).toEqual(new Map(list.map((one: Json) => [one.id, one])))
    expect(this.objects.size).toBe(list.length)
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

  async start(): Promise<void> {
    const { ids, queryState } = await jmap.ask('Email/query', this.#args)
    ;[this.#ids, this.#state] = [ids, queryState]
  }

  async follow(): Promise<void> {
    const found = await jmap.ask('Email/queryChanges', {
      ...this.#args,
      sinceQueryState: this.#state,
      calculateTotal: true,
    })
    const ids: string[] = this.#ids.filter((id) => !found.removed.includes(id))
    for (const { id, index } of found.added) ids.splice(index, 0, id)
    const fresh = await jmap.ask('Email/query', this.#args)
    expect([this.#args, ids, found.newQueryState, found.total]).toEqual([
      this.#args,
      fresh.ids,
      fresh.queryState,
      ids.length,
    ])
    ;[this.#ids, this.#state] = [ids, found.newQueryState]
  }
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
    for (const one of Object.values(followers)) await one.start()
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
    for (const one of queries) await one.start()
    for (let done = 0; done < COMMANDS; done += ROUND) {
      for (let at = 0; at < ROUND; at++) await oneOf(commands)().catch(assertRefused)
      for (const one of Object.values(followers)) await one.follow()
      for (const one of queries) await one.follow()
      await compareWithImap(followers.Mailbox.objects, followers.Email.objects)
    }
  },
  COMMANDS * 1_000,
)
