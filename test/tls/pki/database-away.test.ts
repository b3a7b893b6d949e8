import { X509Certificate } from 'node:crypto'
import pino from 'pino'
import { describe, expect, it } from 'vitest'
import { DATABASE } from '../../../src/core/config/schema/certificates.ts'
import { openDatabase } from '../../../src/storage/database/database.ts'
import { authoritiesOf } from '../../../src/tls/pki/authority/authorities.ts'
import { openCertificateStore } from '../../../src/tls/pki/certificate-store/store.ts'
import { AuthorityService } from '../../../src/tls/pki/service/service.ts'
import { newFolder } from '../../support/folder.ts'
import { needsPostgres, Postgres } from '../../support/postgres.ts'
import { TestClock } from '../../support/test-clock.ts'
import { memoryLog, put, run, storeOptions } from './support.ts'

const DAY_MS = 86_400_000

describe.skipIf(!needsPostgres())('the authority service while its database cannot be reached', () => {
  it('answers from the last known state as long as that is valid', async () => {
    const folder = newFolder()
    await using server = await Postgres.start()
    const settings = { url: server.url, pool: 2, schema: 'lab', node: 'a' }
    await using database = await openDatabase(settings, { log: pino({ level: 'silent' }) })
    const [clock, log] = [new TestClock(), memoryLog()]
    // OpenSSL compares times with the machine's clock.
    clock.ms = Date.now()
    const store = await openCertificateStore({ ...storeOptions(DATABASE, { key: 'p256', log }), clock, database })
    const authorities = authoritiesOf(store)
    const service = await AuthorityService.open(store, { address: '127.0.0.1', port: 0, hostname: '127.0.0.1', log })
    try {
      const [good, revoked] = (
        await Promise.all(['good.test', 'bad.test'].map((name) => store.resolve(name, { kind: 'auto' }, [name])))
      ).map(([installed]) => new X509Certificate(installed?.certificatePem ?? ''))
      await authorities.revoke(revoked?.serialNumber ?? '', 'keyCompromise')
      const root = await put(folder, 'root.pem', store.rootPem)
      // Nobody has asked about anything before.
      await service.activity.prepare()
      await server.stop('immediate')

      const urlOf = (kind: string): string =>
        new RegExp(`^${kind} - URI:(.*)$`, 'm').exec(good?.infoAccess ?? '')?.[1] ?? ''
      const ocsp = async (certificate: X509Certificate | undefined): Promise<string> => {
        const leaf = await put(folder, 'leaf.pem', certificate?.toString() ?? '')
        const args = ['-issuer', root, '-cert', leaf, '-CAfile', root, '-url', urlOf('OCSP')]
        return (await run('openssl', ['ocsp', ...args])).out
      }
      const crl = async (): Promise<string> => {
        const answer = await fetch(urlOf('CA Issuers').replace('/ca/', '/crl/').replace('.cer', '.crl'))
        const file = await put(folder, 'list.crl', Buffer.from(await answer.arrayBuffer()))
        return (await run('openssl', ['crl', '-inform', 'DER', '-in', file, '-noout', '-text'])).out
      }
      expect(await ocsp(good)).toMatch(/: good/)
      expect(await ocsp(revoked)).toMatch(/: revoked[\s\S]*keyCompromise/)
      expect(await crl()).toContain(revoked?.serialNumber)
      const issuer = await fetch(urlOf('CA Issuers'))
      expect(new X509Certificate(Buffer.from(await issuer.arrayBuffer())).ca).toBe(true)
      expect(log.entries.filter(({ message }) => message.includes('last known state'))).toHaveLength(1)

      // An OCSP response is valid for a day, and a list for a week.
      clock.ms += 2 * DAY_MS
      expect(await ocsp(good)).not.toMatch(/: good/)
      expect(await crl()).toContain(revoked?.serialNumber)
      clock.ms += 6 * DAY_MS
      expect(await crl()).toBe('')

      await server.restart()
      await expect.poll(() => database.state, { timeout: 30_000 }).toBe('connected')
      expect(await ocsp(good)).toMatch(/^good$/m)
      expect(await crl()).toContain(revoked?.serialNumber)
    } finally {
      await service[Symbol.asyncDispose]()
      await store.close()
    }
  })
})
