import type { Context } from 'hono'
import type { Api } from '../../src/api/api.ts'
import type { Caller } from '../../src/api/caller.ts'
import { invoke } from '../../src/api/invoke.ts'
import type { McpHttp } from '../../src/api/mcp/http.ts'
import { LabRefusal, type McpLab, type ProblemDocument } from '../../src/api/mcp/lab.ts'
import { Content } from '../../src/api/operation.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import { problemOf } from '../../src/api/problem-of.ts'
import type { ServerContext } from '../service.ts'
import { bodyOf, parseJson, reservationOf } from './body.ts'
import type { Env } from './env.ts'

/** Longest message of a client. */
const MAX_OCTETS = 1024 * 1024
/** JSON-RPC 2.0 section 5.1. */
const PARSE_ERROR = -32700

/** Returns the handler of `/mcp`. The SDK is loaded at the first request. */
export function mcpHandler(api: Api, context: ServerContext): (caller: Caller, c: Context<Env>) => Promise<Response> {
  let loading: Promise<McpHttp> | undefined
  const load = async (): Promise<McpHttp> => {
    const { McpHttp } = await import('../../src/api/mcp/http.ts')
    return McpHttp.of((err) => context.log.debug({ err }, 'mcp: request refused'))
  }
  return async (caller, c) => {
    loading ??= load().catch((error) => {
      loading = undefined
      throw error
    })
    const service = await loading
    try {
      const body = c.req.method === 'POST' ? parseJson(await bodyOf(c, MAX_OCTETS)) : undefined
      const answer = await service.answer(c.req.raw, body, labOf(api, caller, c, context))
      if (answer.headers.get('Content-Type') === 'text/event-stream') endWithClient(c.env)
      return answer
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error
      const { status, message } = error
      return c.json({ jsonrpc: '2.0', id: null, error: { code: PARSE_ERROR, message } }, status as 400)
    }
  }
}

/**
 * Ends an answer when its client closes its side, and with it the call: clients cancel calls so. A wait would take a message
 * that nobody reads until the next comment line shows that the client has gone.
 */
function endWithClient({ incoming: { socket }, outgoing }: Env['Bindings']): void {
  const end = (): void => void outgoing.destroy()
  if (socket.readableEnded) return end()
  socket.once('end', end)
  outgoing.once('close', () => socket.off('end', end))
}

function labOf(api: Api, caller: Caller, c: Context<Env>, { log }: ServerContext): McpLab {
  const memory = reservationOf(c)
  return {
    caller,
    hold: (octets) => memory.grow(octets),
    async call(name, input, signal) {
      try {
        const found = await invoke(api, caller, { name, input }, signal, c.get('standing'))
        return found instanceof Content ? Buffer.from(found.octets as string) : found
      } catch (error) {
        const problem = problemOf(error)
        if (problem.problem === 'internal') log.error({ err: error }, 'mcp: call failed')
        throw new LabRefusal(problem.document as unknown as ProblemDocument)
      }
    },
  }
}
