/** Work that one node of a lab does for all: its leader. */
export const roles = [
  'retention',
  'feeds',
  'outgoing',
  'reports',
  'daily-reports',
  'acme',
  'webhooks',
  'jmap-push',
] as const
export type Role = (typeof roles)[number]

/**
 * joining: starts. ready: serves clients. draining: ends its sessions and then itself. gone: has ended, or was not heard of
 * for ten seconds.
 */
export const nodeStates = ['joining', 'ready', 'draining', 'gone'] as const
export type NodeState = (typeof nodeStates)[number]

/** A process that serves the lab. Times are milliseconds since the epoch, by the clock of the database. */
export interface NodeInfo {
  readonly name: string
  readonly host: string
  readonly pid: number
  readonly version: string
  readonly startedAt: number
  /** When it was last heard of. */
  readonly seenAt: number
  readonly state: NodeState
  /** It is gone without having said so. */
  readonly isLost: boolean
  /** `ADDRESS:PORT` of its HTTP virtual servers. */
  readonly addresses: readonly string[]
  /** The work that it does for all nodes. */
  readonly roles: readonly Role[]
}

/** The requests that nodes can send each other. */
export type Verb = 'operation' | 'sessions' | 'disconnect' | 'queue' | 'reload' | 'reset' | 'follow'

/** Answers requests of other nodes by verb. Arguments and answers are JSON. What a handler throws becomes the error. */
export type Verbs = Readonly<Record<Verb, (argument: unknown) => Promise<unknown>>>

/** The answer of one node. `missing`: it did not answer in time. */
export type NodeAnswer =
  | { readonly node: string; readonly kind: 'answer'; readonly answer: unknown }
  | { readonly node: string; readonly kind: 'error'; readonly error: string }
  | { readonly node: string; readonly kind: 'missing' }

export interface AskOptions {
  /** The nodes that are asked, which may be this one. Default: all others that run. */
  readonly nodes?: readonly string[]
  /** How long answers are waited for. Default: 3 seconds. */
  readonly timeoutMs?: number
}

/** The work of a leader. */
export interface Leadership {
  /**
   * Does the work until `signal` is aborted, and resolves when everything has stopped. The reason is `lost` if another node may
   * do the work already; else there is time to complete what is under way.
   */
  run(signal: AbortSignal): Promise<void>
  /** Called while the work is done, when there may be something new for it. */
  woken?(): void
}

/** The nodes that serve a lab together. A lab whose store is not shared is its only node. */
export interface Cluster extends AsyncDisposable {
  /** The name of this node. */
  readonly node: string
  /** Whether other nodes can join. */
  readonly isShared: boolean
  /** Tells the other nodes what this one does. */
  enter(state: NodeState, addresses?: readonly string[]): void
  /** Returns all nodes, by name. Those that are gone are kept for an hour. @throws DatabaseError */
  nodes(): Promise<readonly NodeInfo[]>
  /** Returns the names of the other nodes that run; those that last ran while the database cannot be reached. */
  others(): Promise<readonly string[]>
  /** Does the work of a role whenever no other node does. Called once for each role. */
  lead(role: Role, leadership: Leadership): void
  /** Whether this node does the work of a role now. */
  isLeading(role: Role): boolean
  /** Returns the node that does the work of a role; undefined until one has taken it over. @throws DatabaseError */
  leaderOf(role: Role): Promise<string | undefined>
  /** Calls `woken` of the leader, on whichever node it is. */
  wake(role: Role): void
  /** Sets what answers the requests of other nodes. */
  serve(verbs: Verbs): void
  /** Asks nodes, and returns one answer for each, by name. */
  ask(verb: Verb, argument: unknown, options?: AskOptions): Promise<readonly NodeAnswer[]>
  /** Ends the work of all roles, so that other nodes take it over. */
  resign(): Promise<void>
}
