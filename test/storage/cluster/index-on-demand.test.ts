import pino from 'pino'
import { describe, expect, it, vi } from 'vitest'
import { invoke } from '../../../src/api/invoke.ts'
import { loadObject } from '../../../src/core/config/load.ts'
import { systemClock } from '../../../src/core/time/clock.ts'
import { createLab } from '../../../src/lab/create-lab.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'

const OWNER = { role: 'administrator', name: 'owner' } as const

describe.skipIf(!needsPostgres())('the API of a node', () => {
  it('reads the entries of messages only for operations that need them', async () => {
    const { url, schema } = await freshDatabase()
    const { lab: config } = loadObject(
      {
        hostname: 'lab.test',
        certificates: { key: 'p256' },
        store: { postgres: url, pool: 3 },
        cluster: { name: schema },
        directory: { accounts: [{ user: 'alice', password: 'secret' }] },
        virtualServers: [{ protocol: 'http', port: 0, tlsPort: 'off' }],
      },
      process.cwd(),
    )
    await using lab = await createLab(config, { log: pino({ level: 'silent' }), clock: systemClock })
    await lab.deliver({ from: 'a@example.com', to: ['alice@lab.test'], raw: Buffer.from('Subject: x\r\n\r\nx\r\n') })
    const list = vi.spyOn(lab.store, 'list')
    const call = async (name: string, input: object = {}) =>
      // biome-ignore lint/suspicious/noExplicitAny: the test checks the shape of the answer itself
      (await invoke(await lab.api(), OWNER, { name, input }, AbortSignal.timeout(60_000))) as any
    for (const name of ['cluster.get', 'accounts.list', 'folders.list', 'sessions.list', 'log.list', 'jobs.list'])
      await call(name)
    expect((await call('health.get')).store.messages).toBe(1)
    expect((await call('status.get')).messages).toBe(1)
    expect(list).not.toHaveBeenCalled()
    expect((await call('messages.list')).items).toMatchObject([{ subject: 'x' }])
    expect(list).toHaveBeenCalled()
  })
})
