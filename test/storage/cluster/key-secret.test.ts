import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { Connection } from '../../../src/storage/database/connection.ts'
import { isLong } from '../../support/long.ts'
import { freshDatabase, needsPostgres } from '../../support/postgres.ts'
import { runProgram } from '../../support/run-program.ts'
import { Workplace } from '../../support/sealpost.ts'

const SECRET = 'a secret of the nodes'
const OTHER = 'another secret than that'

describe.skipIf(!needsPostgres() || !isLong)('cluster.keySecret', { timeout: 600_000 }, () => {
  const place = new Workplace()
  let database: { readonly url: string; readonly schema: string }
  let address: string
  const yaml = (keys: string): string => `store: { postgres: '${database.url}' }
cluster: { name: ${database.schema}${keys} }
certificates: { key: p256 }
mail:
  authentication: { dkim: [{ domain: lab.test, selector: one }] }
virtualServers:
  - { protocol: smtp, port: 0, tlsPort: 0 }
  - { protocol: http, port: 0, tlsPort: off }
`
  const run = (...args: string[]) => place.run(args)

  beforeAll(async () => {
    database = await freshDatabase()
    address = `${database.url}#${database.schema}`
    place.write('plain.yaml', yaml(''))
    place.write('secret.yaml', yaml(', keySecretFile: keys.secret'))
    place.write('other.yaml', yaml(`, keySecret: ${OTHER}`))
    place.write('changed.yaml', yaml(`, keySecret: ${OTHER}, keySecretFallbackFile: keys.secret`))
    place.write('removed.yaml', yaml(`, keySecretFallback: ${OTHER}`))
    place.write('keys.secret', `${SECRET}\n`)
  })

  /** Returns the texts of the database with a key. */
  async function keys(): Promise<readonly { readonly path: string; readonly text: string }[]> {
    const connection = await Connection.open({ ...database, node: 'test' }, () => {})
    const rows = await connection.query<{ readonly path: string; readonly text: string }>(
      `SELECT path, text FROM certificate_files WHERE text LIKE '%PRIVATE KEY%' OR text LIKE '%"d":%' ORDER BY path`,
    )
    await connection.end()
    return rows
  }

  it('is needed once a lab has encrypted its keys by it, and openssl can read them', async () => {
    const lab = await place.start(['--config', 'plain.yaml'])
    const root = (await run('cert', 'list', '--config', 'plain.yaml', '--json')).stdout
    await lab.end('SIGTERM')
    const plain = await keys()
    expect(plain.length).toBeGreaterThanOrEqual(2)
    expect(plain.filter(({ text }) => text.includes('ENCRYPTED'))).toEqual([])

    const again = await place.start(['--config', 'secret.yaml'])
    const sealed = await keys()
    expect(sealed.map(({ path }) => path)).toEqual(expect.arrayContaining(plain.map(({ path }) => path)))
    for (const { path, text } of sealed) {
      expect(text, path).not.toMatch(/BEGIN (?:EC |RSA )?PRIVATE KEY|"d":/)
    }
    const pem = sealed.find(({ path }) => path.startsWith('keys/'))?.text ?? ''
    writeFileSync(join(place.folder, 'one.pem'), pem)
    const args = ['pkey', '-in', join(place.folder, 'one.pem'), '-passin', `pass:${SECRET}`, '-text', '-noout']
    expect((await runProgram('openssl', args)).stdout).toContain('Private-Key')
    // The same certificates, and new ones.
    expect((await run('cert', 'list', '--config', 'secret.yaml', '--json')).stdout).toBe(root)
    const issued = await run('cert', 'issue', '--for', 'smtp', '--cn', 'new.test', '--config', 'secret.yaml')
    expect(issued).toMatchObject({ status: 0 })
    for (const { path, text } of await keys()) expect(text, path).not.toMatch(/BEGIN (?:EC |RSA )?PRIVATE KEY|"d":/)
    await again.end('SIGTERM')

    for (const [file, why] of [
      ['plain.yaml', 'the private keys in the database are encrypted; set cluster.keySecret'],
      ['other.yaml', 'cluster.keySecret is not the secret with which the private keys in the database are encrypted'],
    ] as const) {
      for (const command of ['start', 'check', 'cert list']) {
        const { status, stderr } = await place.runProcess([...command.split(' '), '--config', file])
        expect([command, status], stderr).toEqual([command, 1])
        expect(stderr).toContain(why)
      }
    }
  })

  it('writes plain keys into copies and backups in folders', async () => {
    expect((await run('cert', 'copy', address, 'no-secret')).stderr).toContain('name the configuration instead')
    expect(await run('cert', 'copy', 'secret.yaml', 'copy')).toMatchObject({ status: 0 })
    const copied = await runProgram('grep', ['-rl', 'BEGIN PRIVATE KEY', join(place.folder, 'copy', 'keys')])
    expect(copied.stdout.split('\n').filter(Boolean).length).toBeGreaterThanOrEqual(2)
    expect((await runProgram('grep', ['-rl', 'ENCRYPTED', join(place.folder, 'copy')])).stdout).toBe('')
    expect(await run('store', 'backup', 'backups', '--config', 'secret.yaml')).toMatchObject({ status: 0 })
  })

  /** Returns whether openssl can read a key with a secret. */
  async function isReadable(text: string, secret: string): Promise<boolean> {
    // The keys of OAuth2 are PEM within JSON.
    const pem = text.startsWith('{') ? JSON.parse(text).keys[0].encrypted : text.slice(text.indexOf('-----BEGIN'))
    writeFileSync(join(place.folder, 'key.pem'), pem)
    const args = ['pkey', '-in', join(place.folder, 'key.pem'), '-passin', `pass:${secret}`, '-noout']
    return (await runProgram('openssl', args)).status === 0
  }

  it('can be changed and removed', async () => {
    const certificates = (await run('cert', 'list', '--config', 'secret.yaml', '--json')).stdout
    // Before the start, a command keeps to the secret of the nodes.
    const early = await run('cert', 'issue', '--for', 'smtp', '--cn', 'early.test', '--config', 'changed.yaml')
    expect(early).toMatchObject({ status: 0 })
    for (const { path, text } of await keys()) expect([path, await isReadable(text, SECRET)]).toEqual([path, true])

    await (await place.start(['--config', 'changed.yaml'])).end('SIGTERM')
    for (const { path, text } of await keys()) {
      expect([path, await isReadable(text, OTHER), await isReadable(text, SECRET)]).toEqual([path, true, false])
    }
    expect((await run('cert', 'list', '--config', 'secret.yaml')).stderr).toContain('is not the secret')
    const later = (await run('cert', 'list', '--config', 'other.yaml', '--json')).stdout
    expect(JSON.parse(later).length).toBe(JSON.parse(certificates).length + 1)

    await (await place.start(['--config', 'removed.yaml'])).end('SIGTERM')
    for (const { path, text } of await keys()) expect(text, path).not.toContain('ENCRYPTED')
    expect((await run('cert', 'list', '--config', 'plain.yaml', '--json')).stdout).toBe(later)
  })
})
