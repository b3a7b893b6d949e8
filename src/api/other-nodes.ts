import { nodeOfId } from '../core/values/node-ids.ts'
import type { Role } from '../storage/cluster/types.ts'
import type { Api } from './api.ts'
import { assertAccess, type Caller } from './caller.ts'
import type { ApiLab } from './lab.ts'
import { type Call, Content, type Operation, runHere } from './operation.ts'
import { ApiProblem, type ProblemName, problems } from './problem.ts'
import { problemOf } from './problem-of.ts'

/** How long a node may take for an operation, in milliseconds. */
const TIMEOUT_MS = 10_000
/** How long a node may take for its part of a list. */
const LIST_TIMEOUT_MS = 3_000

/** How long a change waits for nodes that do not answer, in milliseconds. They follow later. */
const FOLLOW_MS = 1_000

/** A forwarded call runs to its end: the node that forwarded it cannot cancel it. */
const NEVER_ABORTED = new AbortController().signal

/** A call for another node. The part of the lab that belongs to a tenant is found there again, by its name. */
interface ForwardedCall {
  readonly name: string
  readonly input: unknown
  readonly caller: Omit<Caller, 'tenant'> & { readonly tenant?: string }
}

/** The outcome of a forwarded call. */
type Outcome =
  | { readonly result: unknown }
  | { readonly content: { readonly type: string; readonly base64: string; readonly headers: Content['headers'] } }
  | { readonly problem: { readonly name: string; readonly detail: string; readonly more: ApiProblem['more'] } }

/** Runs an operation on the node that it belongs to. @throws ApiProblem, and the errors of the lab */
export async function runAnywhere(operation: Operation, call: Call<unknown>): Promise<unknown> {
  const { cluster } = call.api.lab
  const { runsAt } = operation
  if (!cluster.isShared || runsAt === undefined) return runHere(operation, call)
  const node = await nodeFor(runsAt, call)
  if (node === undefined || node === cluster.node) return runHere(operation, call)
  const isRunning = (await cluster.nodes()).some(({ name, state }) => name === node && state !== 'gone')
  if (!isRunning) throw new ApiProblem('not-found', `the node ${node} does not run; its sessions and jobs are lost`)
  return askNode(node, operation.name, call, TIMEOUT_MS)
}

async function nodeFor(
  runsAt: NonNullable<Operation['runsAt']>,
  { api, input }: Call<unknown>,
): Promise<string | undefined> {
  return runsAt === 'id' ? nodeOfId((input as { readonly id: string }).id) : leaderOf(api, runsAt)
}

async function leaderOf({ lab: { cluster } }: Api, role: Role): Promise<string> {
  const node = await cluster.leaderOf(role)
  if (node !== undefined) return node
  throw new ApiProblem('stopping', `no node does this work at the moment (${role}); another one takes it over soon`)
}

/** Runs an operation on another node. @throws ApiProblem, `stopping` if the node does not answer in time */
export async function askNode(
  node: string,
  name: string,
  { api, caller, input }: Call<unknown>,
  timeoutMs = LIST_TIMEOUT_MS,
): Promise<unknown> {
  const { tenant, ...rest } = caller
  const forwarded: ForwardedCall = { name, input, caller: { ...rest, ...(tenant && { tenant: tenant.name }) } }
  const [found] = await api.lab.cluster.ask('operation', forwarded, { nodes: [node], timeoutMs })
  if (found?.kind === 'answer') return resultOf(found.answer as Outcome)
  const why = found?.kind === 'error' ? found.error : 'it does not answer'
  throw new ApiProblem('stopping', `the node ${node} cannot do this now: ${why}`)
}

function resultOf(outcome: Outcome): unknown {
  if ('result' in outcome) return outcome.result
  if ('content' in outcome) {
    const { type, base64, headers } = outcome.content
    return new Content(type, Buffer.from(base64, 'base64'), headers)
  }
  const { name, detail, more } = outcome.problem
  throw new ApiProblem(Object.hasOwn(problems, name) ? (name as ProblemName) : 'internal', detail, more)
}

/** Runs an operation for another node, which has checked the input. */
export async function runForwarded(
  api: Api,
  operationNamed: (name: string) => Operation,
  argument: unknown,
): Promise<Outcome> {
  const { name, input, caller: given } = argument as ForwardedCall
  const { tenant, ...rest } = given
  try {
    const operation = operationNamed(name)
    const caller: Caller = { ...rest, ...(tenant !== undefined && { tenant: api.lab.tenants.scope(tenant) }) }
    assertAccess(caller, operation.access)
    const call = { api, caller, input, signal: NEVER_ABORTED, isForwarded: true }
    const result = await runHere(operation, call)
    if (!(result instanceof Content)) return { result: result ?? null }
    const { type, octets, headers } = result
    return { content: { type, base64: Buffer.from(octets as string).toString('base64'), headers } }
  } catch (error) {
    const { problem, message, more } = problemOf(error)
    if (problem === 'internal') api.lab.logError(error, 'an operation for another node failed')
    return { problem: { name: problem, detail: message, more } }
  }
}

/** Resolves once the other nodes have what was written to the shared values before the call, or do not answer. */
export async function othersFollow({ cluster }: Pick<ApiLab, 'cluster'>): Promise<void> {
  await cluster.ask('follow', undefined, { timeoutMs: FOLLOW_MS })
}
