import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { needsPostgres, Postgres } from '../../support/postgres.ts'

const PASSWORD = 'p/w?#@ %41 ü'

describe.runIf(needsPostgres())('the password of a user of PostgreSQL', () => {
  let server: Postgres
  let passwordFile: string
  beforeAll(async () => {
    server = await Postgres.start()
    await server.sql(`ALTER ROLE lab PASSWORD '${PASSWORD}'`, 'postgres')
    const rules = join(server.data, 'pg_hba.conf')
    writeFileSync(rules, `host all lab all scram-sha-256\n${readFileSync(rules, 'utf8')}`)
    await server.sql('SELECT pg_reload_conf()', 'postgres')
    passwordFile = join(server.folder, 'password')
    writeFileSync(passwordFile, `${PASSWORD}\n`)
  })
  afterAll(() => server[Symbol.asyncDispose]())

  const start = (url: string, more: { password?: string; passwordFile?: string }) =>
    startLab({ store: { postgres: url, ...more }, virtualServers: [{ protocol: 'smtp' }] })

  it.each([
    ['store.password', (url: string) => url, () => ({ password: PASSWORD })],
    ['store.passwordFile', (url: string) => url, () => ({ passwordFile })],
    [
      'store.password, not the one in the address',
      (url: string) => url.replace('lab@', 'lab:x@'),
      () => ({ password: PASSWORD }),
    ],
    [
      'store.password, with parameters in the address',
      (url: string) => `${url}?keepalives=1`,
      () => ({ password: PASSWORD }),
    ],
    ['the address', (url: string) => url.replace('lab@', `lab:${encodeURIComponent(PASSWORD)}@`), () => ({})],
  ])('can be in %s', async (_, address, more) => {
    await using lab = await start(address(server.url), more())
    await lab.deliver('Subject: Kept\n\nIt works.', 'alice')
    expect((await lab.waitForMessage({ subject: 'Kept' })).text).toContain('It works.')
    await lab.reset()
  })

  it('can be wrong', async () => {
    await expect(start(server.url, { password: 'wrong' })).rejects.toThrow(
      /password authentication failed.*check the user and the password/,
    )
  })
})
