import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { version } from '../../../core/text/version.ts'
import { clearInterval, setInterval, setTimeout } from '../../../core/time/real-timers.ts'
import type { Database } from '../../database/database-types.ts'
import { type NodeInfo, type NodeState, nodeStates, type Role } from '../types.ts'

/** How often a node is heard of, and how long it may be silent, in milliseconds. */
const HEARTBEAT_MS = 2_000
const SILENT_MS = 10_000
const RETRY_MS = 500

/** Another node, which runs, has the name of this one. */
class NodeNameTaken extends Error {
  override readonly name = 'NodeNameTaken'
}

type Row = Omit<NodeInfo, 'roles' | 'addresses' | 'state' | 'isLost'> & {
  readonly state: string
  readonly addresses: string
  readonly isSilent: boolean
}

const LIST = `SELECT name, host, pid, version, state, addresses,
  floor(extract(epoch FROM started_at) * 1000)::bigint AS "startedAt",
  floor(extract(epoch FROM seen_at) * 1000)::bigint AS "seenAt",
  seen_at < clock_timestamp() - $1 * interval '1 millisecond' AS "isSilent"
  FROM nodes ORDER BY name`
const JOIN = `INSERT INTO nodes (name, token, host, pid, version, state, addresses) VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (name) DO UPDATE SET token = excluded.token, host = excluded.host, pid = excluded.pid,
    version = excluded.version, state = excluded.state, addresses = excluded.addresses,
    started_at = clock_timestamp(), seen_at = clock_timestamp()
  WHERE nodes.state = 'gone' OR nodes.seen_at < clock_timestamp() - $8 * interval '1 millisecond'
  RETURNING name`
const BEAT = `UPDATE nodes SET seen_at = clock_timestamp(), state = $3, addresses = $4
  WHERE name = $1 AND token = $2 RETURNING name`
const FORGET = `DELETE FROM nodes WHERE seen_at < clock_timestamp() - interval '1 hour'`

/** Returns all nodes, by name. @param leaders the node of each role @throws DatabaseError */
export async function listNodes(
  database: Pick<Database, 'query'>,
  leaders: ReadonlyMap<Role, string>,
): Promise<readonly NodeInfo[]> {
  const rows = await database.query<Row>(LIST, [SILENT_MS])
  return rows.map(({ isSilent, addresses, state, ...row }) => ({
    ...row,
    state: isSilent ? 'gone' : (nodeStates.find((one) => one === state) ?? 'gone'),
    isLost: isSilent && state !== 'gone',
    addresses: JSON.parse(addresses) as string[],
    roles: [...leaders].filter(([, node]) => node === row.name).map(([role]) => role),
  }))
}

/** The row of this node in the table of nodes, which says by the clock of the database that it runs. */
export class Membership implements AsyncDisposable {
  readonly #database: Database
  readonly #log: Logger
  readonly #token = randomUUID()
  #timer: NodeJS.Timeout | undefined
  #state: NodeState = 'joining'
  #addresses: readonly string[] = []
  /** Heartbeats one after the other, so that the last state is the one that stays. */
  #beating: Promise<void> = Promise.resolve()
  #isTaken = false

  private constructor(database: Database, log: Logger) {
    this.#database = database
    this.#log = log
  }

  /**
   * Enters this node into the table. Waits for the row of a node of this name that has just ended.
   * @throws NodeNameTaken if a node of this name runs; DatabaseError
   */
  static async join(database: Database, log: Logger): Promise<Membership> {
    const membership = new Membership(database, log)
    await database.query(FORGET)
    const before = await membership.#seen()
    while (!(await membership.#enter())) {
      if ((await membership.#seen()) !== before) {
        throw new NodeNameTaken(
          `cluster.node: a node with the name ${database.node} is running; give each node a different name, or write: node: auto`,
        )
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
    // Not earlier: a heartbeat also enters the node, or reports that its name is taken.
    membership.#timer = setInterval(() => void membership.#beat(), HEARTBEAT_MS).unref()
    return membership
  }

  change(state: NodeState, addresses = this.#addresses): void {
    this.#state = state
    this.#addresses = addresses
    void this.#beat()
  }

  /** Returns all nodes, by name. @param leaders the node of each role */
  list(leaders: ReadonlyMap<Role, string>): Promise<readonly NodeInfo[]> {
    return listNodes(this.#database, leaders)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer)
    this.#state = 'gone'
    await this.#beat()
  }

  async #seen(): Promise<string | undefined> {
    const [row] = await this.#database.query<{ readonly seen: string }>(
      'SELECT seen_at::text AS seen FROM nodes WHERE name = $1',
      [this.#database.node],
    )
    return row?.seen
  }

  async #enter(): Promise<boolean> {
    const facts = [this.#database.node, this.#token, hostname(), process.pid, version]
    const own = [...facts, this.#state, JSON.stringify(this.#addresses), SILENT_MS]
    return (await this.#database.query(JOIN, own)).length > 0
  }

  #beat(): Promise<void> {
    this.#beating = this.#beating.then(async () => {
      try {
        const values = [this.#database.node, this.#token, this.#state, JSON.stringify(this.#addresses)]
        const isOurs = (await this.#database.query(BEAT, values)).length > 0
        // The row was deleted while this node could not reach the database, or another node has its name now.
        const isTaken = !isOurs && this.#state !== 'gone' && !(await this.#enter())
        if (isTaken && !this.#isTaken)
          this.#log.error(`cluster.node: another node has taken the name ${this.#database.node}; restart this one`)
        this.#isTaken = isTaken
      } catch (err) {
        this.#log.debug({ err }, 'the other nodes could not be told that this one runs')
      }
    })
    return this.#beating
  }
}
