import { hostname } from 'node:os'
import type { Logger } from 'pino'
import { version } from '../../core/text/version.ts'
import {
  type AskOptions,
  type Cluster,
  type Leadership,
  type NodeAnswer,
  type NodeInfo,
  type NodeState,
  type Role,
  roles,
  type Verb,
  type Verbs,
} from './types.ts'

/** The cluster of a lab that is its only node. */
export class OwnCluster implements Cluster {
  readonly node = hostname()
  readonly isShared = false
  readonly #log: Logger
  readonly #startedAt = Date.now()
  readonly #stopping = new AbortController()
  readonly #leading = new Map<Role, { readonly leadership: Leadership; readonly ended: Promise<void> }>()
  #state: NodeState = 'joining'
  #addresses: readonly string[] = []
  #verbs: Verbs | undefined

  constructor(log: Logger) {
    this.#log = log
  }

  enter(state: NodeState, addresses = this.#addresses): void {
    this.#state = state
    this.#addresses = addresses
  }

  async nodes(): Promise<readonly NodeInfo[]> {
    return [
      {
        name: this.node,
        host: this.node,
        pid: process.pid,
        version,
        startedAt: this.#startedAt,
        seenAt: Date.now(),
        state: this.#state,
        isLost: false,
        addresses: this.#addresses,
        roles: roles.filter((role) => this.isLeading(role)),
      },
    ]
  }

  async others(): Promise<readonly string[]> {
    return []
  }

  lead(role: Role, leadership: Leadership): void {
    const ended = leadership
      .run(this.#stopping.signal)
      .catch((err: Error) => this.#log.error({ err, role }, 'the work of a role has failed'))
    this.#leading.set(role, { leadership, ended })
  }

  isLeading(role: Role): boolean {
    return this.#leading.has(role)
  }

  async leaderOf(role: Role): Promise<string | undefined> {
    return this.isLeading(role) ? this.node : undefined
  }

  wake(role: Role): void {
    this.#leading.get(role)?.leadership.woken?.()
  }

  serve(verbs: Verbs): void {
    this.#verbs = verbs
  }

  async ask(verb: Verb, argument: unknown, { nodes = [] }: AskOptions = {}): Promise<readonly NodeAnswer[]> {
    return Promise.all(
      nodes.map((node) =>
        node === this.node ? runVerb(node, this.#verbs, verb, argument) : { node, kind: 'missing' as const },
      ),
    )
  }

  async resign(): Promise<void> {
    this.#stopping.abort()
    await Promise.all(Array.from(this.#leading.values(), ({ ended }) => ended))
    this.#leading.clear()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.resign()
  }
}

/** Returns the answer of the node that this process is. */
export async function runVerb(
  node: string,
  verbs: Verbs | undefined,
  verb: Verb,
  argument: unknown,
): Promise<NodeAnswer> {
  if (!verbs) return { node, kind: 'error', error: 'the node is starting' }
  if (!Object.hasOwn(verbs, verb))
    return { node, kind: 'error', error: `the node has another version: ${verb} is unknown` }
  try {
    return { node, kind: 'answer', answer: (await verbs[verb](argument)) ?? null }
  } catch (error) {
    return { node, kind: 'error', error: (error as Error).message }
  }
}
