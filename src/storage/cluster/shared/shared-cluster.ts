import type { Logger } from 'pino'
import type { Database } from '../../database/database-types.ts'
import { DatabaseError } from '../../database/errors.ts'
import { Leases } from '../../database/leases.ts'
import { runVerb } from '../own-cluster.ts'
import type { AskOptions, Cluster, Leadership, NodeAnswer, NodeInfo, NodeState, Role, Verb, Verbs } from '../types.ts'
import { Candidacies } from './leadership.ts'
import { Membership } from './membership.ts'
import { Requests } from './requests.ts'

/** How long answers of other nodes are waited for. */
const ASK_MS = 3_000

/** The nodes that share a database. */
export class SharedCluster implements Cluster {
  readonly node: string
  readonly isShared = true
  readonly #membership: Membership
  readonly #leases: Leases
  readonly #candidacies: Candidacies
  readonly #requests: Requests
  #verbs: Verbs | undefined
  /** As last read: while the database cannot be reached, they are named as missing. */
  #others: readonly string[] = []
  #disposed: Promise<void> | undefined

  private constructor(database: Database, membership: Membership, log: Logger) {
    this.node = database.node
    this.#membership = membership
    this.#leases = new Leases(database, log)
    this.#candidacies = new Candidacies(database, this.#leases, log)
    this.#requests = new Requests(database, () => this.#verbs, log)
  }

  /** Joins the nodes of a database. @throws NodeNameTaken, DatabaseError */
  static async join(database: Database, log: Logger): Promise<SharedCluster> {
    return new SharedCluster(database, await Membership.join(database, log), log)
  }

  enter(state: NodeState, addresses?: readonly string[]): void {
    this.#membership.change(state, addresses)
  }

  async nodes(): Promise<readonly NodeInfo[]> {
    return this.#membership.list(await this.#candidacies.leaders())
  }

  async others(): Promise<readonly string[]> {
    try {
      const running = (await this.nodes()).filter(({ name, state }) => state !== 'gone' && name !== this.node)
      this.#others = running.map(({ name }) => name)
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
    }
    return this.#others
  }

  lead(role: Role, leadership: Leadership): void {
    this.#candidacies.add(role, leadership)
  }

  isLeading(role: Role): boolean {
    return this.#candidacies.isLeading(role)
  }

  async leaderOf(role: Role): Promise<string | undefined> {
    return this.isLeading(role) ? this.node : (await this.#candidacies.leaders()).get(role)
  }

  wake(role: Role): void {
    this.#candidacies.wake(role)
  }

  serve(verbs: Verbs): void {
    this.#verbs = verbs
  }

  async ask(
    verb: Verb,
    argument: unknown,
    { nodes, timeoutMs = ASK_MS }: AskOptions = {},
  ): Promise<readonly NodeAnswer[]> {
    const asked = nodes ?? (await this.others())
    const isOwn = (node: string): boolean => node === this.node
    const [own, others] = await Promise.all([
      Promise.all(asked.filter(isOwn).map((node) => runVerb(node, this.#verbs, verb, argument))),
      this.#askOthers(verb, argument, { nodes: asked.filter((node) => !isOwn(node)), timeoutMs }),
    ])
    return [...own, ...others].sort((a, b) => (a.node < b.node ? -1 : 1))
  }

  async #askOthers(
    verb: Verb,
    argument: unknown,
    options: { readonly nodes: readonly string[]; readonly timeoutMs: number },
  ): Promise<readonly NodeAnswer[]> {
    try {
      return await this.#requests.ask(verb, argument, options)
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error
      return options.nodes.map((node) => ({ node, kind: 'missing' }))
    }
  }

  resign(): Promise<void> {
    return this.#candidacies.resign()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#disposed ??= this.#dispose()
    return this.#disposed
  }

  async #dispose(): Promise<void> {
    await this.resign()
    this.#requests[Symbol.dispose]()
    await this.#leases[Symbol.asyncDispose]()
    await this.#membership[Symbol.asyncDispose]()
  }
}
