import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { tools } from '../../src/api/mcp/tools/index.ts'

const page = readFileSync(new URL('../../docs/mcp.md', import.meta.url), 'utf8')

test('the page lists every tool with its operation', () => {
  const rows = [...page.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| .* \| (`[\w.]+`(?:, `[\w.]+`)*) \|$/gm)]
  const listed = rows.flatMap(([, names = '', operations = '']) => {
    const [first = '', ...more] = operations.replaceAll('`', '').split(', ')
    const resource = first.split('.')[0]
    const all = [first, ...more.map((one) => resource + one)]
    return names.split(', ').map((name, at) => [name.replaceAll('`', ''), all[at]])
  })
  expect(listed.sort()).toEqual(tools.map(({ name, operation }) => [name, operation]).sort())
})

test('the configurations are JSON', () => {
  const blocks = [...page.matchAll(/^```json\n(.*?)^```/gms)].map(([, code = '']) => JSON.parse(code))
  expect(blocks.length).toBeGreaterThan(3)
  for (const block of blocks) expect(Object.keys(block.mcpServers ?? block.servers)).toEqual(['sealpost'])
})
