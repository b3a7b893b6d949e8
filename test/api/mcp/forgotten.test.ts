import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { McpHttp } from '../../../src/api/mcp/http.ts'
import type { McpLab } from '../../../src/api/mcp/lab.ts'

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

const REVISION = '2026-07-28'

const service = await McpHttp.of(() => {})

/** Sends a message of a session. Returns the answer, and a weak reference to the lab that the message was for. */
async function send(method: string, isModern: boolean): Promise<{ answer: string; lab: WeakRef<object> }> {
  const lab: McpLab = { caller: { role: 'administrator' }, call: async () => ({}) }
  const envelope = {
    'io.modelcontextprotocol/protocolVersion': REVISION,
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const body = { jsonrpc: '2.0', id: 1, method, params: isModern ? { _meta: envelope } : {} }
  const headers = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    'Mcp-Session-Id': 'session',
    ...(isModern && { 'MCP-Protocol-Version': REVISION, 'Mcp-Method': method }),
  }
  const request = new Request('http://localhost/mcp', { method: 'POST', headers, body: JSON.stringify(body) })
  return { answer: await (await service.answer(request, body, lab)).text(), lab: new WeakRef(lab) }
}

it.each([
  ['tools/list', 'legacy', '"tools":'],
  ['no/such/method', 'legacy', '"code":-32601'],
  ['tools/list', 'modern', '"tools":'],
  // The list of `notifications` is missing.
  ['subscriptions/listen', 'modern', '"code":-32602'],
] as const)('%s of the %s era is forgotten after the answer', async (method, era, expected) => {
  const { answer, lab } = await send(method, era === 'modern')
  expect(answer).toContain(expected)
  for (let turn = 0; turn < 100 && lab.deref() !== undefined; turn++) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  expect(lab.deref()).toBeUndefined()
})
