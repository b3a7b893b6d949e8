import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { mainFile, Workplace } from '../support/sealpost.ts'

test('an idle lab releases the memory of its start once and then stops normally', async () => {
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
    // V8 prints this for a full collection that was requested. Nothing else in a lab requests one.
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
