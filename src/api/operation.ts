import type { z } from 'zod'
import type { Role } from '../storage/cluster/types.ts'
import type { Api } from './api.ts'
import type { Access, Caller, Standing } from './caller.ts'
import { pageFields, pageOfWhole, wholeInput } from './lists.ts'
import type { ProblemName } from './problem.ts'

export type Method = 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE'

/** Runs an operation on this node, after the messages are read if it uses them. @throws ApiProblem, and the errors of the lab */
export async function runHere(operation: Operation, call: Call<unknown>): Promise<unknown> {
  if (operation.readsMessages) await call.api.begin()
  return operation.run(call)
}

/** One call of an operation. */
export interface Call<Input> {
  readonly api: Api
  readonly caller: Caller
  readonly input: Input
  /** Aborted when the caller no longer waits for the answer. */
  readonly signal: AbortSignal
  /** Absent if the caller cannot lose its rights. An operation that can take minutes asks for it first. */
  readonly standing?: () => Promise<Standing>
  /** The uploaded octets of an operation with `upload`. */
  readonly upload?: Upload
  /** Another node asks, so that it is about this node alone. */
  readonly isForwarded?: boolean
}

/** Content that is not JSON. */
export interface Upload {
  /** Media type in lower case, without parameters. */
  readonly type: string
  readonly octets: Buffer
}

/** An answer that is not JSON. */
export class Content {
  readonly type: string
  readonly octets: Buffer | string
  readonly headers: Readonly<Record<string, string>>

  constructor(type: string, octets: Buffer | string, headers: Readonly<Record<string, string>> = {}) {
    this.type = type
    this.octets = octets
    this.headers = headers
  }
}

/** Something that a caller can ask the lab, by every transport: HTTP, the control socket, MCP. */
export interface Operation {
  /** `messages.list`: the resource and the verb. */
  readonly name: string
  readonly method: Method
  /** Below `/api/v1`, with parameters as `{id}`. */
  readonly path: string
  /** One sentence in the imperative. */
  readonly summary: string
  readonly access: Access
  /** Parameters of the path, and those of the query (GET, DELETE) or the JSON body (all other methods). */
  readonly input: z.ZodObject
  /** The input that the documentation shows in place of `input`, if `run` checks a loose input itself. */
  readonly describedInput?: z.ZodObject
  /** The media types that the operation takes besides JSON. */
  readonly upload?: readonly string[]
  /** Longest contents by media type, in octets. Default: the limit of the virtual server for messages. */
  readonly uploadOctets?: Readonly<Record<string, number>>
  /** Whether the JSON has messages or attachments, and so the size limit of messages. */
  readonly takesMessages?: boolean
  /** Over HTTP, the answer sets the cookie of a browser that logs on, or deletes it. */
  readonly browserSession?: 'starts' | 'ends'
  /** The JSON that it answers, or the media type of other content. Absent: 204. */
  readonly output?: z.ZodType | string | undefined
  /** Media types and ranges of other content that it can answer. */
  readonly otherOutputs?: readonly string[]
  /**
   * The key of each item of a list that is answered as a whole unless the caller wants pages. `limit`, `cursor`, `next` and
   * `total` are added.
   */
  readonly listKey?: string | undefined
  /** Whether the JSON has an `etag`, which HTTP also sends as a field. An input `ifMatch` is the field If-Match. */
  readonly hasEtag?: boolean
  /** Default: 200, or 204 without output. */
  readonly status?: 201 | 202
  /** The problems that it can answer, besides those that all operations of its kind have. */
  readonly problems?: readonly ProblemName[]
  /**
   * Returns the path of what it has created, below `/api/v1`; undefined if the caller does not see it. RFC 9110 section
   * 10.2.2.
   */
  readonly location?: (result: unknown) => string | undefined
  /** Whether it follows the messages, or uses all of them. Lists and searches of `views` do so if they need it. */
  readonly readsMessages?: boolean
  /** The node that runs it: the leader of a role, or the node that the input `id` names. Default: any. */
  readonly runsAt?: Role | 'id'
  run(call: Call<unknown>): Promise<unknown>
}

/** An operation whose name, input and answer the compiler knows (src/api/operation-types.ts). */
export interface TypedOperation<
  Name extends string,
  Input extends z.ZodObject,
  Output extends z.ZodType | string | undefined,
  ListKey extends string | undefined,
> extends Operation {
  readonly name: Name
  readonly input: Input
  readonly output: Output
  readonly listKey: ListKey
}

type OperationDefinition<
  Input extends z.ZodObject,
  Output extends z.ZodType | string | undefined,
  ListKey extends string | undefined,
> = Omit<Operation, 'name' | 'method' | 'path' | 'input' | 'output' | 'listKey' | 'run'> & {
  readonly input: Input
  readonly output?: Output
  readonly listKey?: ListKey
  run(call: Call<z.output<Input>>): Promise<unknown>
}

/** Returns a location: a path whose `{key}` is a value of the result. */
export const locationAt =
  (path: string) =>
  (result: unknown): string =>
    path.replace(/\{(\w+)\}/, (_, key: string) => encodeURIComponent(`${(result as Record<string, unknown>)[key]}`))

/**
 * Creates a row of the table of operations.
 * @param name the resource and the verb: `messages.list`
 * @param route the method, and the path below `/api/v1` with parameters as `{id}`
 */
export function defineOperation<
  Name extends string,
  Input extends z.ZodObject,
  Output extends z.ZodType | string | undefined = undefined,
  ListKey extends string | undefined = undefined,
>(
  name: Name,
  route: `${Method} /${string}`,
  definition: OperationDefinition<Input, Output, ListKey>,
): TypedOperation<Name, Input, Output, ListKey> {
  const [method, path] = route.split(' ')
  const operation = { name, method, path, ...definition } as unknown as TypedOperation<Name, Input, Output, ListKey>
  return operation.listKey === undefined ? operation : withPaging(operation, operation.listKey)
}

/** Lets callers read a list in pages. */
function withPaging<Row extends Operation>(operation: Row, key: string): Row {
  return {
    ...operation,
    input: operation.input.extend(wholeInput),
    output: (operation.output as z.ZodObject).extend(pageFields),
    async run(call) {
      const { limit, cursor, ...input } = call.input as { limit?: number; cursor?: string }
      const answer = (await operation.run({ ...call, input })) as { items: Record<string, unknown>[] }
      // Some faults have no id. They do not move.
      const keyOf = (item: Record<string, unknown>, index: number): string => `${item[key] ?? `#${index}`}`
      return { ...answer, ...pageOfWhole(answer.items, { limit, cursor }, keyOf) }
    },
  }
}
