import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { workplaceOfEach } from '../support/sealpost.ts'
import { certificateOn } from '../support/session-load.ts'
import { blocksOf } from './walk.ts'

const place = workplaceOfEach()

test('the commands of docs/renewals.md renew the certificate, and an open session goes on', async () => {
  place.write(
    'lab.yaml',
    'certificates: { store: certs, key: p256 }\nvirtualServers: [{ protocol: imap4, port: 0, tlsPort: 0 }]\n',
  )
  await using lab = await place.start(['--config', 'lab.yaml'])
  const port = lab.endpoint('imap4').tlsPort ?? 0
  const run = async (line: string): Promise<string> => {
    const { status, stdout, stderr } = await place.run([...line.split(' ').slice(1), '--config', 'lab.yaml'])
    expect([line, status, stderr]).toEqual([line, 0, ''])
    return stdout
  }
  const [preparation = [], renewals = []] = blocksOf('renewals.md').map(({ code }) =>
    code
      .split('\n')
      .filter(Boolean)
      .map((line) => line.replace(/\s+#.*$/, '')),
  )
  for (const line of preparation) await run(line)
  const ca = readFileSync(join(place.folder, 'lab-ca.pem'), 'utf8')
  const open = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' })
  await once(open, 'data')

  const served = [(await certificateOn(port, ca)).fingerprint256]
  const printed: string[] = []
  for (const line of renewals) {
    printed.push(await run(line))
    if (!line.includes('renew')) continue
    await expect.poll(async () => (await certificateOn(port, ca)).fingerprint256).not.toBe(served.at(-1))
    served.push((await certificateOn(port, ca)).fingerprint256)
  }
  expect(new Set(served).size).toBe(3)
  expect(printed.at(-2)).toMatch(/^Mail-old .*\n(?:.*\n)*Mail-old-2 /m)
  expect(printed.at(-1)).toMatch(/ imap4-1, .* open$/m)
  open.write('A1 NOOP\r\n')
  const [reply] = await once(open, 'data')
  expect(String(reply)).toMatch(/^A1 OK/m)
  open.destroy()
})
