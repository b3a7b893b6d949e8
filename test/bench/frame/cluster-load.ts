import type { RunningLab } from './cluster.ts'
import { mailOf } from './mail.ts'
import { median } from './measure.ts'
import { deliver, END, greeted } from './smtp.ts'
import type { Target } from './types.ts'
import { type LoadClient, logOnByImap } from './wire.ts'

const MAIL = Buffer.concat([mailOf(2_048), END])
/** Messages in the INBOX of every account except `user0`. */
const MESSAGES_EACH = 10

/** A client of one node, as `user0`, `user1` … */
export interface Client {
  readonly number: number
  readonly target: Target
  readonly imap: LoadClient
  readonly smtp: LoadClient
  /** Messages in its INBOX at the beginning. */
  readonly messages: number
}

/** An operation that clients repeat. */
export interface Operation {
  readonly name: string
  /** How often all clients together run it in each round. The warm-up has as many for each node. */
  readonly times: number
  /** A message is used once only, so the node has not read it before. There are fewer runs if there are fewer messages. */
  readonly isOnce?: boolean
  /** @param turn counts the runs of this client */
  run(client: Client, turn: number): Promise<unknown>
}

export const ask = async (wire: LoadClient, command: string): Promise<void> => {
  await wire.ask(`t ${command}\r\n`, 't OK')
  await wire.until('\r\n')
}

/** Returns the position of a message, far from the last one. Each comes once before any comes twice. */
function scattered(turn: number, messages: number): number {
  let step = Math.max(1, Math.floor(messages * 0.618))
  while (gcd(step, messages) !== 1) step++
  return 1 + ((turn * step) % messages)
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b))

async function session({ target, number }: Client): Promise<void> {
  const wire = await logOnByImap(target, `user${number}`)
  await ask(wire, 'SELECT INBOX')
  await wire.ask('t LOGOUT\r\n', 't OK')
  wire.close()
}

/** Stores a flag in one message after the other, and then removes it from them. */
function store({ imap, messages }: Client, turn: number): Promise<void> {
  const sign = Math.floor(turn / messages) % 2 === 0 ? '+' : '-'
  return ask(imap, `STORE ${scattered(turn, messages)} ${sign}FLAGS (\\Flagged)`)
}

const deliveryTo = (name: string, userOf: (client: Client) => string): Operation => ({
  name,
  times: 2_000,
  run: (client) => deliver(client.smtp, userOf(client), MAIL),
})

/** A delivery by each client to an account of its own. */
export const delivery = deliveryTo(
  'a message of 2 KB by SMTP, each to another account',
  ({ number }) => `user${number}`,
)

/** Traffic of clients that mostly read. */
export const reading: readonly Operation[] = [
  {
    name: 'an IMAP4 session: log-on, SELECT, 10 FETCH, LOGOUT',
    times: 500,
    async run({ target, number, messages }, turn) {
      const wire = await logOnByImap(target, `user${number}`)
      await ask(wire, 'SELECT INBOX')
      for (let i = 0; i < 10; i++) await ask(wire, `FETCH ${scattered(turn * 10 + i, messages)} BODY.PEEK[]`)
      await wire.ask('t LOGOUT\r\n', 't OK')
      wire.close()
    },
  },
  {
    name: 'FETCH of one message',
    times: 6_000,
    run: ({ imap, messages }, turn) => ask(imap, `FETCH ${scattered(turn, messages)} BODY.PEEK[]`),
  },
]

const sessions: Operation = { name: 'an IMAP4 session: log-on, SELECT, LOGOUT', times: 1_500, run: session }

/** Traffic of clients with mailboxes of their own. */
export const traffic: readonly Operation[] = [
  delivery,
  deliveryTo('a message of 2 KB by SMTP, all to one account', () => 'user0'),
  sessions,
  {
    name: 'FETCH of one message of 2 KB',
    times: 6_000,
    run: ({ imap }, turn) => ask(imap, `FETCH ${1 + (turn % MESSAGES_EACH)} BODY.PEEK[]`),
  },
  { name: 'STORE of one flag', times: 2_000, run: store },
]

/** Operations of one client in the mailbox, or beside the mailboxes and listeners, that grow. */
export const growing: readonly Operation[] = [
  { name: 'SELECT', times: 1_500, run: ({ imap }) => ask(imap, 'SELECT INBOX') },
  { name: 'STATUS', times: 1_500, run: ({ imap }) => ask(imap, 'STATUS INBOX (MESSAGES UNSEEN SIZE)') },
  {
    name: 'FETCH of one message in memory',
    times: 2_000,
    run: ({ imap }, turn) => ask(imap, `FETCH ${1 + (turn % 100)} BODY.PEEK[]`),
  },
  {
    name: 'FETCH of one message not in memory',
    times: 1_500,
    isOnce: true,
    run: ({ imap, messages }, turn) => ask(imap, `FETCH ${scattered(turn, messages)} BODY.PEEK[]`),
  },
  { name: 'STORE of one flag', times: 1_000, run: store },
  sessions,
  { ...deliveryTo('a message of 2 KB by SMTP', () => 'user0'), times: 1_000 },
  {
    name: 'CREATE and DELETE of a mailbox',
    times: 200,
    async run({ imap }, turn) {
      await ask(imap, `CREATE new${turn}`)
      await ask(imap, `DELETE new${turn}`)
    },
  },
]

/** Opens clients on all nodes in turn, with ten messages in the INBOX of each account. */
export async function openClients(lab: RunningLab, count: number, messages: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let number = 0; number < count; number++) {
    const target = lab.nodes[number % lab.nodes.length] as Target
    const smtp = await greeted({ host: target.host, port: target.smtpPort ?? 0 })
    const imap = await logOnByImap(target, `user${number}`)
    for (let i = 0; i < MESSAGES_EACH && number > 0; i++) await deliver(smtp, `user${number}`, MAIL)
    await ask(imap, 'SELECT INBOX')
    clients.push({ number, target, smtp, imap, messages: number > 0 ? MESSAGES_EACH : messages })
  }
  return clients
}

/** The cost of an operation, and its rate over all clients. */
export interface Cost {
  readonly perSecond: number
  readonly nodeMicros: number
  readonly databaseMicros: number
}

/** Runs an operation by all clients together, `count` times. @param turns how often each client ran it before */
export async function runTimes(
  { run }: Operation,
  clients: readonly Client[],
  count: number,
  turns: number[] = clients.map(() => 0),
): Promise<void> {
  let left = count
  await Promise.all(
    clients.map(async (client, i) => {
      let turn = turns[i] ?? 0
      while (left-- > 0) await run(client, turn++)
      turns[i] = turn
    }),
  )
}

/** Runs an operation as often for each node as a round has it, so that the nodes have compiled what it needs. */
export const warmUp = (
  operation: Operation,
  lab: RunningLab,
  clients: readonly Client[],
  turns?: number[],
): Promise<void> => runTimes(operation, clients, operation.times * lab.nodes.length, turns)

/** Measures an operation, after a warm-up. */
export async function costOf(
  operation: Operation,
  lab: RunningLab,
  clients: readonly Client[],
  rounds: number,
): Promise<Cost> {
  const costs: Cost[] = []
  const { times, isOnce } = operation
  const messages = Math.min(...clients.map((client) => client.messages))
  const count = isOnce ? Math.min(times, Math.floor(messages / (rounds + 1))) : times
  const turns = clients.map(() => 0)
  await (isOnce ? runTimes(operation, clients, count, turns) : warmUp(operation, lab, clients, turns))
  for (let round = 0; round < rounds; round++) {
    const [before, begun] = [lab.used(), performance.now()]
    await runTimes(operation, clients, count, turns)
    const [after, seconds] = [lab.used(), (performance.now() - begun) / 1000]
    const micros = (part: 'nodes' | 'database'): number => ((after[part] - before[part]) * 1e6) / count
    costs.push({ perSecond: count / seconds, nodeMicros: micros('nodes'), databaseMicros: micros('database') })
  }
  const middle = (key: keyof Cost): number => median(costs.map((cost) => cost[key]))
  return {
    perSecond: middle('perSecond'),
    nodeMicros: middle('nodeMicros'),
    databaseMicros: middle('databaseMicros'),
  }
}
