import type { Account } from '../../../src/accounts/directory/types.ts'
import type { Api } from '../../../src/api/api.ts'
import type { Caller } from '../../../src/api/caller.ts'
import type { JmapLimits } from '../../../src/core/config/schema/jmap.ts'
import type { Owner } from '../../../src/storage/store/folder.ts'
import type { MessageStore } from '../../../src/storage/store/types.ts'
import type { AccountHistory } from '../../../src/storage/store/views/account-history.ts'
import type { ServerContext } from '../../service.ts'

/** A JSON object, as a client sends it or gets it. */
export type JsonObject = Readonly<Record<string, unknown>>

/** The account of the caller: the only one of its session. */
export interface JmapAccount {
  readonly id: string
  readonly account: Account
  /** The address of the account in the domain of the lab. */
  readonly address: string
  readonly owner: Owner
  /** The account itself, so that the operations of the lab find and change only its mail. */
  readonly caller: Caller
  readonly store: MessageStore
  /** Its messages by EMAILID, and the history of their changes: `AccountHistory.of` for each request. */
  readonly history: AccountHistory
}

/** A request whose methods run one after the other. RFC 8620 section 3.3. */
export interface JmapRequest {
  readonly api: Api
  readonly context: ServerContext
  readonly account: JmapAccount
  /** The capabilities that the client uses. */
  readonly using: ReadonlySet<string>
  readonly limits: JmapLimits
  /** The ids of the objects that the request has created, by their creation ids. */
  readonly createdIds: Map<string, string>
  /** Octets of header values and body values that the answer may still take. */
  readonly answer: { octetsLeft: number }
  readonly signal: AbortSignal
  /** The session of the client. */
  readonly record: { readonly id: string; note(text: string): void }
}

/** A method call whose result references are resolved, and whose account is that of the caller. */
export interface MethodCall extends JmapRequest {
  readonly name: string
  readonly args: JsonObject
}

/** A response of a method besides its first: its name, and its arguments. */
export type Implicit = readonly [name: string, args: JsonObject]

/** Runs a method. Implicit calls follow its response, with the same method call id. @throws MethodError */
export interface Method {
  readonly capability: string
  /** Whether it takes no account. */
  readonly isOfSession?: true
  run(call: MethodCall): Promise<JsonObject | { readonly response: JsonObject; readonly implicit: readonly Implicit[] }>
}

/** An error with a type of JMAP, and further members of its object. */
class JmapError extends Error {
  readonly type: string
  /** `properties` among others. */
  readonly more: JsonObject
  constructor(type: string, description: string, more: JsonObject = {}) {
    super(description)
    this.type = type
    this.more = more
  }

  /** The object that tells the client about it. */
  get object(): JsonObject {
    return { type: this.type, description: this.message, ...this.more }
  }
}

/** The error response of a method. RFC 8620 section 3.6.2. */
export class MethodError extends JmapError {
  override readonly name = 'MethodError'
}

/** The reason why an object is not created, updated or destroyed. RFC 8620 section 5.3. */
export class SetError extends JmapError {
  override readonly name = 'SetError'
}

export const invalid = (description: string): MethodError => new MethodError('invalidArguments', description)
export const invalidProperties = (properties: readonly string[], description: string): SetError =>
  new SetError('invalidProperties', description, { properties })
export const notFound = (kind: string, id: string): SetError =>
  new SetError('notFound', `there is no ${kind} ${id.slice(0, 200)}`)

/** The ids of objects that changed after a state, in order of their changes, and the new state. RFC 8620 section 5.2. */
export interface Changes {
  readonly created: readonly string[]
  readonly updated: readonly string[]
  readonly destroyed: readonly string[]
  readonly newState: string
  readonly hasMoreChanges?: boolean
  /** Further members of the response, such as `updatedProperties` of a Mailbox. */
  readonly more?: JsonObject
}

/** Returns a value of a client as errors show it: an object may have a `toString` of its own. */
export const shownValue = (value: unknown): string => (typeof value === 'string' ? value : typeof value).slice(0, 200)

/** Arguments of a query that name what is searched. */
export interface Query {
  readonly filter: JsonObject | null
  readonly sort: readonly JsonObject[]
}

/**
 * A data type, from which `methodsOf` makes the standard methods that it has. Every function gets the whole call, whose `args`
 * hold what a type has besides the standard arguments (`collapseThreads`, `onDestroyRemoveEmails` …).
 */
export interface DataType {
  readonly name: string
  readonly capability: string
  /** The properties of the objects. `id` is the first. */
  readonly properties: readonly string[]
  /** Names of arguments that methods of the type take besides the standard ones, by method: `query: ['collapseThreads']`. */
  readonly arguments?: Readonly<Record<string, readonly string[]>>
  /** Whether a property exists that is not listed, such as `header:Subject:asText`. */
  readonly isProperty?: (name: string) => boolean
  /** The properties of `get` without `properties`. Default: all. */
  readonly defaultProperties?: readonly string[]
  state(call: MethodCall): Promise<string>
  /**
   * Returns the objects with at least the wanted properties; none for an id that does not exist.
   * @param ids null: all objects
   */
  get(call: MethodCall, ids: readonly string[] | null, properties: readonly string[]): Promise<readonly JsonObject[]>
  /** Returns undefined if the changes since that state are not known. @param max the most ids that are returned */
  readonly changes?: (call: MethodCall, sinceState: string, max: number) => Promise<Changes | undefined>
  /** Creates an object. Returns its id and the properties that the server has set. @throws SetError */
  readonly create?: (call: MethodCall, object: JsonObject, creationId: string) => Promise<JsonObject & { id: string }>
  /** Updates an object by a patch object. Returns properties that have changed otherwise, or null. @throws SetError */
  readonly update?: (call: MethodCall, id: string, patch: JsonObject) => Promise<JsonObject | null>
  /** Destroys an object. @throws SetError */
  readonly destroy?: (call: MethodCall, id: string) => Promise<void>
  /** Returns the calls that follow a `set`, such as the Email/set of an EmailSubmission/set. May add to the response. */
  readonly afterSet?: (call: MethodCall, response: JsonObject) => Promise<readonly Implicit[]>
  /** Returns all ids that match, in the order of the sort. */
  readonly query?: (call: MethodCall, query: Query) => Promise<readonly string[]>
  /** Returns the ids of objects that may have left the results of a query, or have another place in them; undefined if that is not known. */
  readonly queryChanges?: (call: MethodCall, query: Query, since: string) => Promise<Iterable<string> | undefined>
}
