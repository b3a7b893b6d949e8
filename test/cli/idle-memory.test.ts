import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { LineClient } from '../support/line-client.ts'
import { mainFile, type ReadyEndpoint, Workplace } from '../support/sealpost.ts'

test('an idle lab releases the memory of its start, later that of large messages, and stops normally', async () => {
  const place = new Workplace()
  const config = place.write(
    'lab.yaml',
    'certificates: { store: memory, key: p256 }\nvirtualServers: [{ protocol: smtp, port: 0 }]',
  )
  const args = ['--trace-gc', mainFile, 'start', '--json', '--config', config]
  const child = spawn(process.execPath, args, { env: { ...process.env, TMPDIR: place.folder, XDG_RUNTIME_DIR: '' } })
  const exited = once(child, 'exit')
  try {
    let port = 0
    let collections = 0
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('{')) port = (JSON.parse(line) as { endpoints: ReadyEndpoint[] }).endpoints[0]?.port ?? 0
      // V8 prints this for a full collection that was requested. Nothing else in a lab requests one.
      if (!line.includes('low memory notification')) continue
      expect(port).not.toBe(0)
      if (++collections === 2) break
      for (let i = 0; i < 3; i++) await sendTooMuch(port)
    }
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
  } finally {
    child.kill('SIGKILL')
  }
})

/** Sends a large message and does not finish it, so that it becomes garbage. */
async function sendTooMuch(port: number): Promise<void> {
  using client = await LineClient.open(port)
  client.send('EHLO client.test\r\nMAIL FROM:<a@lab.test>\r\nRCPT TO:<postmaster>\r\nBDAT 20000000\r\n')
  client.send(Buffer.alloc(20_000_000))
  await client.lines((line) => line.endsWith('octets received'))
}
