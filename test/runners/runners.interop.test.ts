import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/runners.mjs', import.meta.url))

test('the newest runners pass with the packed package', { timeout: 900_000 }, async () => {
  const child = spawn(process.execPath, [script, '--short'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines: string[] = []
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(text))
  const [status] = (await once(child, 'close')) as [number | null]
  expect(status, lines.join('')).toBe(0)
})
