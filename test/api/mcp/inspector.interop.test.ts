import { beforeAll, expect, it } from 'vitest'
import { HttpLab } from '../../servers/http/client.ts'
import { npx } from '../../support/npx.ts'

const http = HttpLab.ofTests()
beforeAll(() => http.lab.deliver({ subject: 'Your code', text: 'Your code is 123456.' }, { to: 'alice' }))

/** Calls the lab with the inspector. Returns its answer. */
async function inspect(...args: readonly string[]) {
  const inspector = ['mcp-inspector', '--cli', `${http.base}/mcp`, '--transport', 'http', ...args]
  const { status, stdout, stderr } = await npx('@modelcontextprotocol/inspector@2.12.0', inspector)
  expect(status, stdout + stderr).toBe(0)
  return { answer: JSON.parse(stdout), stderr }
}

it('works with the official inspector', async () => {
  const { answer, stderr } = await inspect('--method', 'tools/list')
  expect(answer.tools.length).toBeGreaterThan(12)
  expect(stderr).toMatch(/Schema portability: 0 errors/)
  const wait = ['--method', 'tools/call', '--tool-name', 'wait_for_message', '--tool-arg', 'to=alice']
  const { structuredContent } = (await inspect(...wait)).answer
  expect(structuredContent.untrusted.codes).toEqual(['123456'])
}, 180_000)
