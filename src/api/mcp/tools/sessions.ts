import { z } from 'zod'
import type { InputOf } from '../../operation-types.ts'
import { withoutHello } from '../../sessions.ts'
import { callOperation, type McpLab } from '../lab.ts'
import { defineTool, outputOf, READS, READS_UNTRUSTED, type Tool, type ToolCall } from '../tool.ts'

const list: Tool = {
  name: 'list_sessions',
  title: 'List sessions',
  description:
    'Lists the connections of clients, the newest first, failed TLS handshakes included: who connected, TLS version and cipher, log-on, and in `refusals` why something was refused and what to do.',
  operation: 'sessions.list',
  hints: READS_UNTRUSTED,
  isUntrusted: true,
  async run({ lab, input, signal }: ToolCall<InputOf<'sessions.list'>>) {
    const { items, ...page } = await callOperation(lab, 'sessions.list', input, signal)
    return { items: items.map(withoutHello), ...page }
  },
}

const read = defineTool({
  name: 'get_session',
  title: 'Read the transcript of a session',
  description: 'Returns every line of a session: C: is the client, S: the server, * clear text.',
  operation: 'sessions.get',
  input: z.strictObject({ session: z.string().describe('Id of the session.') }),
  output: z.object({ transcript: z.string() }),
  hints: READS_UNTRUSTED,
  isUntrusted: true,
  run: async ({ lab, input, signal }) => ({
    transcript: `${await callOperation(lab, 'sessions.get', { id: input.session, format: 'text' }, signal)}`,
  }),
})

const explain = defineTool({
  name: 'explain_handshake',
  title: 'Explain a TLS handshake',
  description:
    'Says in plain words how the TLS handshake of a session ended and, if it failed, what to do; with what the client offered and what the virtual server accepts. `comparison: true` adds every cipher suite, group and signature algorithm of both sides.',
  operation: 'sessions.handshake',
  input: z.strictObject({
    session: z.string().optional().describe('Id of the session. Default: the latest one whose handshake failed.'),
    comparison: z.boolean().default(false).describe('Adds every suite, group and signature algorithm of both sides.'),
  }),
  output: outputOf('sessions.handshake'),
  hints: READS_UNTRUSTED,
  isUntrusted: true,
  async run({ lab, input, signal }) {
    const id = input.session ?? (await latestFailedSessionId(lab, signal))
    const explained = await callOperation(lab, 'sessions.handshake', { id }, signal)
    return { ...explained, comparison: input.comparison ? explained.comparison : null }
  },
})

/** Returns the id of the latest session whose handshake failed. @throws Error if there is none */
async function latestFailedSessionId(lab: McpLab, signal: AbortSignal): Promise<string> {
  const { items } = await callOperation(lab, 'sessions.list', { failed: true, limit: 1_000 }, signal)
  const found = items.find(({ endCause }) => endCause === 'handshake failed')
  if (found) return found.id
  throw new Error('no TLS handshake has failed; name a session, which list_sessions lists')
}

const servers: Tool = {
  name: 'list_virtual_servers',
  title: 'List virtual servers',
  description: 'Lists the servers of the lab with protocol, ports, certificate and policy: where clients connect.',
  operation: 'virtualServers.list',
  hints: READS,
}

export const sessionTools: readonly Tool[] = [list, read, explain, servers]
