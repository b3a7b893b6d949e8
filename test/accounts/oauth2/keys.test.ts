import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { newFolder } from '../../support/folder.ts'
import { logOn, open, response } from './support.ts'

/** Starts labs that share a certificate store on disk, one after the other. */
async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = newFolder()
  await run(folder)
}
const start = (folder: string) => startLab({ certificates: { store: folder, key: 'p256' } })
const header = (token: string): { kid: string } =>
  JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())

test('the keys are in the certificate store, readable by the owner only, and the same after a restart', async () => {
  await inFolder(async (folder) => {
    const kids = []
    for (let round = 0; round < 2; round++) {
      await using lab = await start(folder)
      kids.push(header(await lab.accessToken({ user: 'alice' })).kid)
    }
    expect(kids[0]).toBe(kids[1])
    expect(statSync(join(folder, 'oauth2', 'keys.json')).mode & 0o777).toBe(0o600)
  })
})

test('a revoked token stays revoked after a restart', async () => {
  await inFolder(async (folder) => {
    const issuer = 'https://login.lab.test'
    const status = async (token: string, revoke: boolean): Promise<string | undefined> => {
      await using lab = await startLab({
        certificates: { store: folder, key: 'p256' },
        oauth2: { issuer },
        virtualServers: [{ protocol: 'imap4' }],
      })
      const used = token === '' ? await lab.accessToken({ user: 'alice' }) : token
      if (revoke) await lab.revokeAccessToken(used)
      const client = await open(lab, 'imap4')
      const answer = await logOn(client, 'imap4', 'XOAUTH2', response('XOAUTH2', used))
      client.destroy()
      return token === '' ? used : answer
    }
    const [good = '', bad = ''] = [await status('', false), await status('', true)]
    expect(await status(good, false)).toMatch(/^A OK /)
    expect(await status(bad, false)).toMatch(/^\+ eyJ/)
  })
})

test('two labs with one store sign with the same keys', async () => {
  await inFolder(async (folder) => {
    await using one = await start(folder)
    await using two = await start(folder)
    const tokens = await Promise.all([one, two].map((lab) => lab.accessToken({ user: 'alice', algorithm: 'ES256' })))
    const [first, second] = tokens.map((token) => header(token).kid)
    expect(first).toBe(second)
  })
})

test('a damaged file of keys is named', async () => {
  await inFolder(async (folder) => {
    {
      await using lab = await start(folder)
      await lab.accessToken({ user: 'alice' })
    }
    const file = join(folder, 'oauth2', 'keys.json')
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100))
    await using lab = await start(folder)
    await expect(lab.accessToken({ user: 'alice' })).rejects.toThrow(
      'oauth2/keys.json of the certificate store does not have the keys of access tokens; delete the file',
    )
  })
})

test('a tenant has tokens for its own accounts', async () => {
  await using lab = await startLab()
  const tenant = lab.tenant('shop')
  const [, claims = ''] = (await tenant.accessToken({ user: 'alice' })).split('.')
  expect(JSON.parse(Buffer.from(claims, 'base64url').toString()).sub).toBe('shop-alice')
})

test('wrong options are named', async () => {
  await using lab = await startLab()
  const wrong = { user: '', expiresIn: 0, defect: 'stale' } as unknown as { user: string }
  await expect(lab.accessToken(wrong)).rejects.toThrow(/options\.user: [^]*options\.expiresIn: [^]*options\.defect: /)
})
