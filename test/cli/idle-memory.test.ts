import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { mainFile, Workplace } from '../support/sealpost.ts'

test('a lab that is idle gives back, once, the memory that its start has left, and ends as ever', async () => {
  const place = new Workplace()
  const config = place.write(
    'lab.yaml',
    'certificates: { store: memory, key: p256 }\nvirtualServers: [{ protocol: smtp, port: 0 }]',
  )
  const args = ['--trace-gc', mainFile, 'start', '--config', config]
  const child = spawn(process.execPath, args, { env: { ...process.env, TMPDIR: place.folder, XDG_RUNTIME_DIR: '' } })
  const exited = once(child, 'exit')
  try {
    let ready = false
    // V8's own word for it: nothing else in a lab asks for a collection of this kind.
    for await (const line of createInterface({ input: child.stdout })) {
      ready ||= line === 'ready'
      if (!line.includes('low memory notification')) continue
      expect(ready).toBe(true)
      break
    }
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
    place.remove()
  }
})
