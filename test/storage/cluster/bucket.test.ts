import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { loadObject } from '../../../src/core/config/load.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { ImapClient } from '../../support/imap-client.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { refusing, S3Server } from '../../support/s3-server.ts'

describe.skipIf(!needsPostgres())('nodes that keep large messages in a bucket', () => {
  it('serve what another one has received, and report a bucket that fails', async () => {
    const { url, schema } = await freshDatabase()
    await using s3 = await S3Server.start()
    const start = async (node: string) => {
      const { lab: config } = loadObject(
        {
          hostname: 'lab.test',
          certificates: { key: 'p256' },
          store: { postgres: url, pool: 3, bodies: s3.settings },
          cluster: { name: schema, node },
          directory: { accounts: [{ user: 'alice', password: 'secret' }] },
          access: { tokens: [{ name: 'ci', role: 'administrator', token: 'token-of-the-test' }] },
          virtualServers: [
            { protocol: 'imap4', port: 0, tlsPort: 'off' },
            { protocol: 'http', port: 0, tlsPort: 'off' },
          ],
        },
        process.cwd(),
      )
      const lab = await createLab(config, { log: pino({ level: 'silent' }), clock: systemClock })
      await lab.start()
      return lab
    }
    await using a = await start('a')
    await using b = await start('b')
    const [first, second] = await Promise.all(
      [a, b].map((lab) => ImapClient.open(lab.endpoints()[0]?.port ?? 0, 'alice', 'secret')),
    )
    if (!first || !second) throw new Error('no client')
    const line = `${'x'.repeat(78)}\r\n`
    const raw = `Subject: large\r\n\r\n${line.repeat(20_000)}end of the message\r\n`
    await first.append('INBOX', raw)
    expect(s3.objects.length).toBeGreaterThan(1)
    await second.ok('SELECT INBOX')
    const fetched = await second.ok('FETCH 1 BODY.PEEK[]')
    expect(fetched.join('\n')).toContain('end of the message')
    const health = async (): Promise<{ ok: boolean; bodies?: string }> => {
      const headers = { authorization: 'Bearer token-of-the-test' }
      const response = await fetch(`http://127.0.0.1:${b.endpoints()[1]?.port}/api/v1/health`, { headers })
      return ((await response.json()) as { store: { ok: boolean; bodies?: string } }).store
    }
    expect(await health()).toMatchObject({ ok: true })
    await first.append('INBOX', raw)
    await second.ok('NOOP')
    s3.fault = (request, response) =>
      refusing('GET', 403)(request, response) ?? refusing('HEAD', 403)(request, response)
    expect(await health()).toMatchObject({ ok: false, bodies: expect.stringMatching('status 403') })
    expect((await second.ask('FETCH 2 BODY.PEEK[]')).at(-1)).toMatch(/^NO \[UNAVAILABLE\] .*object storage/)
    expect((await second.ok('FETCH 2 BODY.PEEK[HEADER]')).join('\n')).toContain('Subject: large')
    s3.fault = undefined
    expect((await second.ok('FETCH 2 BODY.PEEK[]')).join('\n')).toContain('end of the message')
    expect(await health()).toMatchObject({ ok: true })
  })
})
