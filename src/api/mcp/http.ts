import { randomUUID } from 'node:crypto'
import type { McpRequestContext, McpServer } from '@modelcontextprotocol/server'
import type { McpLab } from './lab.ts'
import { loadSdk, type Sdk } from './sdk.ts'
import { createMcpServer } from './server.ts'

/** A comment line this often keeps proxies from closing a silent stream. */
const KEEP_ALIVE_MS = 15_000
const SESSION = 'Mcp-Session-Id'

/** A message of a client, as far as it matters here. */
interface Message {
  readonly method?: unknown
  readonly id?: unknown
  readonly params?: { readonly requestId?: unknown }
}

/**
 * Streamable HTTP without state: every request has a server of its own, with the rights of its caller.
 * https://modelcontextprotocol.io/specification/2025-11-25/basic/transports
 *
 * A session is only a name that relates the cancellation of a call to the call. Since the revision of 2026-07-28 clients
 * cancel a call by closing its stream.
 */
export class McpHttp {
  readonly #sdk: Sdk
  readonly #onError: (error: Error) => void
  /** The servers of calls in progress, by session and id. */
  readonly #calls = new Map<string, McpServer>()

  private constructor(sdk: Sdk, onError: (error: Error) => void) {
    this.#sdk = sdk
    this.#onError = onError
  }

  /** @param onError receives why a request was refused, for the log @throws ApiProblem `not-offered` without the SDK */
  static async of(onError: (error: Error) => void): Promise<McpHttp> {
    return new McpHttp(await loadSdk(), onError)
  }

  /** Answers a request. @param body its JSON, if it is a POST */
  async answer(request: Request, body: unknown, lab: McpLab): Promise<Response> {
    const message = (body ?? {}) as Message
    const session = request.headers.get(SESSION)
    if (session !== null && message.method === 'notifications/cancelled') {
      await this.#calls.get(callKey(session, message.params?.requestId))?.close()
    }
    const create = ({ era }: McpRequestContext): McpServer => {
      const server = createMcpServer(this.#sdk, lab)
      // The SDK need not connect, and so not close, the server of a later client.
      const isCancellable = era === 'legacy' && session !== null && message.id !== undefined
      if (isCancellable) this.#keep(callKey(session, message.id), server)
      return server
    }
    const handler = this.#sdk.createMcpHandler(create, { keepAliveMs: KEEP_ALIVE_MS, onerror: this.#onError })
    const response = await handler.fetch(request, body === undefined ? {} : { parsedBody: body })
    if (message.method === 'initialize' && response.ok) response.headers.set(SESSION, randomUUID())
    // RFC 9110 section 15.5.6
    if (response.status === 405) response.headers.set('Allow', 'POST')
    return response
  }

  /** Remembers the server of a call until it is closed, which happens when the answer is sent or the client disconnects. */
  #keep(key: string, server: McpServer): void {
    this.#calls.set(key, server)
    server.server.onclose = () => {
      if (this.#calls.get(key) === server) this.#calls.delete(key)
    }
  }
}

/** `1` and `"1"` are different ids. JSON-RPC 2.0 section 4. */
const callKey = (session: string, id: unknown): string => `${session} ${JSON.stringify(id)}`
