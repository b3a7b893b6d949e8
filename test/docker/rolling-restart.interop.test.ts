import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { ClusterNode } from '../support/cluster.ts'
import { freePorts } from '../support/free-ports.ts'
import { ImapClient } from '../support/imap-client.ts'
import { LineClient } from '../support/line-client.ts'
import { freshDatabase, needsPostgres } from '../support/postgres.ts'
import { needs } from '../support/programs.ts'
import { HAPROXY, startHaproxy } from '../support/proxies.ts'

const NODES = 3
/** The ports of lab.yaml and haproxy.cfg that this test uses, and what they are called in a lab. */
const PROTOCOLS = { 25: 'smtp', 110: 'pop3', 143: 'imap4', 119: 'nntp', 8025: 'http' } as const
const PORTS = Object.keys(PROTOCOLS).map(Number)
type Ports = Readonly<Record<number, number>>

const portsOf = async (): Promise<Ports> => {
  const free = await freePorts(PORTS.length)
  return Object.fromEntries(PORTS.map((port, at) => [port, free[at] as number]))
}

/** Returns docker/cluster/haproxy.cfg for nodes on this machine, with the ports of this test. */
function haproxyConfig(front: Ports, nodes: readonly Ports[], statusPort: number): string {
  const text = readFileSync(fileURLToPath(new URL('../../docker/cluster/haproxy.cfg', import.meta.url)), 'utf8')
  const servers = (port: string): string =>
    nodes.map((ports, at) => `  server node${at} 127.0.0.1:${ports[Number(port)]} check port ${ports[8025]}`).join('\n')
  const wanted = new RegExp(`^listen \\w+\\n {2}bind :(?!(?:${PORTS.join('|')})\\n).*\\n.*\\n`, 'gm')
  return text
    .replace(wanted, '')
    .replace(/^resolvers engine\n(?: .*\n)*/m, '')
    .replace(/ resolvers engine init-addr none/, '')
    .replace(/check port 8025 /, '')
    .replace(/inter 1s/, 'inter 200ms')
    .replace(/^ {2}server-template node 9 sealpost:(\d+)$/gm, (_, port: string) => servers(port))
    .replace(/bind :(\d+)/g, (_, port: string) => `bind 127.0.0.1:${front[Number(port)] ?? statusPort}`)
}

const labOf = (ports: Ports, { url, schema }: { readonly url: string; readonly schema: string }): string => `
store: { postgres: '${url}' }
cluster: { name: ${schema} }
certificate: none
drain: { delay: 2s, timeout: 1m }
directory: { accounts: [{ user: alice, password: secret }, { user: bob, password: geheim }] }
newsgroups: [{ name: lab.general }]
virtualServers:
${PORTS.map((port) => `  - { protocol: ${PROTOCOLS[port as 25]}, port: ${ports[port]}, authentication: [anonymous, basic], proxyProtocol: { from: [127.0.0.1] } }`).join('\n')}
`

/** Sends mail over one connection after the other until it is told to end. */
class Sender {
  readonly acknowledged: string[] = []
  /** Failures: a client without a greeting, or a transaction without an answer. */
  readonly failures: string[] = []
  readonly #name: string
  readonly #port: number
  readonly #perConnection: number
  #isOver = false
  readonly #running: Promise<void>

  constructor(name: string, port: number, perConnection: number) {
    this.#name = name
    this.#port = port
    this.#perConnection = perConnection
    this.#running = this.#run()
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(): Promise<void> {
    for (let connection = 0; !this.#isOver; connection++) {
      using client = await LineClient.open(this.#port)
      const greeting = await client.line()
      if (!greeting?.startsWith('220 ')) this.failures.push(`greeting: ${greeting}`)
      client.send('HELO here\r\n')
      const isOpen = (await client.line())?.startsWith('250') === true
      for (let i = 0; isOpen && i < this.#perConnection && !this.#isOver; i++) {
        if (!(await this.#send(client, `${this.#name}-${connection}-${i}`))) break
      }
    }
  }

  /** Returns false if the server has ended the session between two transactions. */
  async #send(client: LineClient, subject: string): Promise<boolean> {
    const ask = async (line: string): Promise<string> => {
      client.send(`${line}\r\n`)
      return (await client.line()) ?? 'closed'
    }
    const begun = await ask('MAIL FROM:<a@lab.test>')
    if (!begun.startsWith('250')) {
      if (!begun.startsWith('421') && begun !== 'closed') this.failures.push(`MAIL: ${begun}`)
      return false
    }
    const replies = [
      await ask('RCPT TO:<alice@lab.test>'),
      await ask('DATA'),
      await ask(`Subject: ${subject}\r\n\r\nText\r\n.`),
    ]
    if (replies.map((reply) => reply[0]).join('') === '232') this.acknowledged.push(subject)
    else this.failures.push(`${subject}: ${replies.join(' | ')}`)
    return true
  }
}

/** A POP3 client that logs on and waits. It connects again whenever its session ends. */
class IdleReader {
  readonly farewells: string[] = []
  readonly failures: string[] = []
  readonly #port: number
  #client: LineClient | undefined
  #isOver = false
  readonly #running: Promise<void>

  constructor(port: number) {
    this.#port = port
    this.#running = this.#run()
  }

  async end(): Promise<void> {
    this.#isOver = true
    this.#client?.destroy()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      using client = await LineClient.open(this.#port)
      this.#client = client
      const replies = [await client.line()]
      for (const line of ['USER bob', 'PASS geheim']) {
        client.send(`${line}\r\n`)
        replies.push(await client.line())
      }
      // The node that ends unlocks the maildrop in a moment.
      const isLocked = replies.at(-1)?.startsWith('-ERR [IN-USE]') === true
      if (!isLocked && !replies.every((reply) => reply?.startsWith('+OK'))) this.failures.push(replies.join(' | '))
      const rest = isLocked ? [] : await client.rest()
      if (rest.length > 0) this.farewells.push(...rest)
    }
  }
}

/** Resolves once HAProxy has found a node in a state, for every protocol. */
async function untilState(statusPort: number, node: string, state: 'UP' | 'DOWN'): Promise<void> {
  const pattern = new RegExp(`^haproxy_server_status\\{proxy="\\w+",server="${node}",state="${state}"\\} 1$`, 'gm')
  await expect
    .poll(async () => (await (await fetch(`http://127.0.0.1:${statusPort}/metrics`)).text()).match(pattern)?.length, {
      timeout: 60_000,
      interval: 50,
    })
    .toBe(PORTS.length)
}

it.skipIf(!(needs(HAPROXY) && needsPostgres()))(
  'clients of HAProxy notice nothing while the nodes restart one after the other',
  { timeout: 300_000 },
  async () => {
    const [statusPort = 0] = await freePorts(1)
    const front = await portsOf()
    const ports = await Promise.all(Array.from({ length: NODES }, portsOf))
    const database = await freshDatabase()
    const nodeOf = (at: number) => new ClusterNode(`node${at}`, labOf(ports[at] as Ports, database), {}, [])
    await using a = nodeOf(0)
    await using b = nodeOf(1)
    await using c = nodeOf(2)
    const started = [a, b, c]
    await Promise.all(started.map((node) => node.start()))
    await using _ = await startHaproxy(haproxyConfig(front, ports, statusPort), Object.values(front))
    for (const at of ports.keys()) await untilState(statusPort, `node${at}`, 'UP')

    const smtp = front[25] as number
    const senders = [new Sender('one', smtp, 1), new Sender('few', smtp, 5), new Sender('many', smtp, 1_000)]
    const idle = await ImapClient.open(front[143] as number, 'alice', 'secret')
    const reader = new IdleReader(front[110] as number)
    for (const [at, node] of started.entries()) {
      const before = senders.map(({ acknowledged }) => acknowledged.length)
      expect(await node.end()).toBe(0)
      await untilState(statusPort, `node${at}`, 'DOWN')
      await node.start()
      await untilState(statusPort, `node${at}`, 'UP')
      for (const [i, { acknowledged }] of senders.entries()) expect(acknowledged.length).toBeGreaterThan(before[i] ?? 0)
    }
    await Promise.all(senders.map((sender) => sender.end()))
    expect(senders.flatMap(({ failures }) => failures)).toEqual([])
    await reader.end()
    expect(reader.failures).toEqual([])
    // It was on some node at each moment, so at least one of them ended its session.
    expect(reader.farewells.length).toBeGreaterThan(0)
    for (const farewell of reader.farewells) expect(farewell).toBe('-ERR [SYS/TEMP] Server is shutting down.')
    expect((await idle.until(/^\* BYE /)).at(-1)).toBe('* BYE Server is shutting down.')

    const found = await subjects(front[143] as number)
    const acknowledged = senders.flatMap((sender) => sender.acknowledged)
    expect(found.sort()).toEqual(acknowledged.sort())
  },
)

/** Returns the subjects of all messages in the inbox, as any node has them. */
async function subjects(port: number): Promise<string[]> {
  const client = await ImapClient.open(port, 'alice', 'secret')
  await client.ok('SELECT INBOX')
  const lines = await client.ask('FETCH 1:* BODY.PEEK[HEADER.FIELDS (SUBJECT)]')
  return lines.flatMap((line) => /^Subject: (.*)$/.exec(line)?.[1] ?? [])
}
