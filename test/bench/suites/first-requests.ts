import { startDatabase } from '../frame/cluster.ts'
import { HttpClient } from '../frame/http.ts'
import { versionOf } from '../frame/processes.ts'
import type { TableSuite, Target } from '../frame/types.ts'
import { logOnByImap } from '../frame/wire.ts'

/** Messages in one mailbox. `large` needs `--full`, and about 4 GB of disk for a while. */
const SIZES = { small: [100_000], large: [1_670_000] }

interface Request {
  readonly name: string
  readonly run: (node: Target) => Promise<void>
}

const api = (name: string, path: string): Request => ({
  name,
  async run({ host, httpPort = 0 }) {
    const client = new HttpClient({ host, port: httpPort })
    await client.get(`/api/v1/${path}`)
    client.close()
  },
})

const imap = (command: string): Request => ({
  name: `IMAP4: SELECT, then ${command}`,
  async run(node) {
    const wire = await logOnByImap(node, 'user0')
    await wire.ask('t SELECT INBOX\r\n', 't OK')
    await wire.until('\r\n')
    const begun = performance.now()
    await wire.ask(`t ${command}\r\n`, 't OK')
    console.error(`${command}: ${Math.round(performance.now() - begun)} ms`)
    wire.close()
  },
})

/** Each is the first request of a fresh node. */
const requests: readonly Request[] = [
  api('GET /cluster', 'cluster'),
  api('GET /messages: the newest 50', 'messages?limit=50'),
  api('the list of the console: distinct messages', 'messages?limit=50&distinct=true&articles=false'),
  api(
    'the badge of the console: distinct unread messages',
    'messages?limit=1&distinct=true&articles=false&query=is:unread',
  ),
  api('is:flagged', 'messages?limit=50&query=is:flagged'),
  api('is:flagged subject:5000', 'messages?limit=50&query=is:flagged%20subject:5000'),
  api('subject:001234567', 'messages?limit=50&query=subject:001234567'),
  imap('UID SEARCH FLAGGED'),
]

const mebibytes = (octets: number): number => Math.round(octets / 2 ** 20)

export const suite: TableSuite = {
  kind: 'table',
  title: 'The first request to a node with many messages',
  program: () => `PostgreSQL ${versionOf('psql', '--version')}`,
  async measure({ full, only = '' }) {
    await using database = await startDatabase()
    const rows: Record<string, string>[] = []
    for (const messages of full ? SIZES.large : SIZES.small) {
      const start = await database.filledLab({ accounts: 2, messages, folders: 10 })
      for (const { name, run } of requests.filter((one) => one.name.includes(only))) {
        const node = await start()
        await node.collect?.()
        const [before, cpu, begun] = [node.memoryOctets(), node.cpuSeconds(), performance.now()]
        await run(node)
        const took = performance.now() - begun
        const memory = node.memoryOctets()
        rows.push({
          'first request': name,
          messages: messages.toLocaleString('en'),
          ms: String(Math.round(took)),
          'CPU ms of the node': String(Math.round(1e3 * (node.cpuSeconds() - cpu))),
          'resident memory (MiB)': `${mebibytes(memory)}, ${mebibytes(memory - before)} more than before`,
        })
        console.error(Object.values(rows.at(-1) ?? {}).join(', '))
        await node.stop()
      }
    }
    return rows
  },
}
