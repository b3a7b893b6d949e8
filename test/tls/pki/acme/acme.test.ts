import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import acme from 'acme-client'
import { describe, expect, it } from 'vitest'
import { renewalId } from '../../../../src/tls/pki/acme/renewal-id.ts'
import { run } from '../../../support/openssl.ts'
import { needs } from '../../../support/programs.ts'
import { isThorough } from '../../../support/thorough.ts'
import { type AcmeClient, acmeClient, obtainBy, serveAnswers, startAcme } from './support.ts'

type Lab = Awaited<ReturnType<typeof startAcme>>

const client = (lab: Lab, options: Parameters<typeof acmeClient>[1] = {}) => acmeClient(lab.directory, options)

const register = (of: AcmeClient) => of.createAccount({ contact: ['mailto:admin@lab.test'] })

/** Obtains a certificate: orders, answers the challenges, finalizes. */
async function obtain(lab: Lab, from: AcmeClient, names: readonly string[]): Promise<string> {
  await using served = await serveAnswers(lab.httpPort)
  return await obtainBy('http-01', from, names, served.http01)
}

describe('the ACME server, with acme-client', () => {
  it('issues for several names, in a chain that openssl verifies', async () => {
    await using lab = await startAcme()
    const pem = await obtain(lab, await client(lab), ['mail.lab.test', 'news.lab.test'])
    await writeFile(join(lab.folder, 'chain.pem'), pem)
    await writeFile(join(lab.folder, 'root.pem'), lab.store.rootPem)
    const trust = ['-x509_strict', '-CAfile', join(lab.folder, 'root.pem'), '-verify_hostname', 'news.lab.test']
    const { stdout } = await run('openssl', ['verify', ...trust, join(lab.folder, 'chain.pem')])
    expect(stdout).toContain('OK')
    expect((await lab.authorities.issued(lab.authority)).map(({ serial }) => serial)).toContain(
      new X509Certificate(pem).serialNumber,
    )
  })

  it('has a directory of the default authority, which follows that', async () => {
    await using lab = await startAcme()
    const atDefault = async (): Promise<string> => {
      const response = await fetch(new URL('/acme/directory', lab.directory))
      return ((await response.json()) as { newOrder: string }).newOrder
    }
    expect(await atDefault()).toBe(lab.directory.replace('directory', 'new-order'))
    await lab.authorities.createRoot({ name: 'Next', makeDefault: true })
    expect(await atDefault()).toBe(new URL('/acme/next/new-order', lab.directory).href)
    const account = await client(lab, { directoryUrl: new URL('/acme/directory', lab.directory).href })
    expect(new X509Certificate(await obtain(lab, account, ['mail.lab.test'])).issuer).toBe('CN=Next')
  })

  it('fails a challenge that is not answered, with the reason', async () => {
    await using lab = await startAcme()
    const account = await client(lab)
    await register(account)
    const order = await account.createOrder({ identifiers: [{ type: 'dns', value: 'mail.lab.test' }] })
    const [authorization] = await account.getAuthorizations(order)
    const [challenge] = authorization?.challenges ?? []
    await account.completeChallenge(challenge as NonNullable<typeof challenge>)
    await expect(account.waitForValidStatus(challenge as NonNullable<typeof challenge>)).rejects.toThrow(/ECONNREFUSED/)
    const [, csr] = await acme.crypto.createCsr({ altNames: ['mail.lab.test'] })
    await expect(account.finalizeOrder(order, csr)).rejects.toThrow(/the order is invalid/)
  })

  it('never validates outside of the lab', async () => {
    await using lab = await startAcme()
    const account = await client(lab)
    await register(account)
    const order = await account.createOrder({ identifiers: [{ type: 'ip' as 'dns', value: '192.0.2.7' }] })
    const [authorization] = await account.getAuthorizations(order)
    const [challenge] = authorization?.challenges ?? []
    await account.completeChallenge(challenge as NonNullable<typeof challenge>)
    await expect(account.waitForValidStatus(challenge as NonNullable<typeof challenge>)).rejects.toThrow(
      /to which the lab does not connect/,
    )
  })

  it('refuses a request for other names than those of the order', async () => {
    await using lab = await startAcme()
    await using served = await serveAnswers(lab.httpPort)
    const account = await client(lab)
    await register(account)
    const order = await account.createOrder({ identifiers: [{ type: 'dns', value: 'mail.lab.test' }] })
    const [authorization] = await account.getAuthorizations(order)
    const challenge = authorization?.challenges[0] as NonNullable<
      NonNullable<typeof authorization>['challenges'][number]
    >
    served.answers.set(challenge.token, await account.getChallengeKeyAuthorization(challenge))
    await account.completeChallenge(challenge)
    await account.waitForValidStatus(challenge)
    const [, csr] = await acme.crypto.createCsr({ altNames: ['mail.lab.test', 'evil.lab.test'] })
    await expect(account.finalizeOrder(order, csr)).rejects.toThrow(
      /the request is for dns:mail\.lab\.test, dns:evil\.lab\.test, the order for dns:mail\.lab\.test/,
    )
  })

  it('revokes for the account that ordered, and for no other', async () => {
    await using lab = await startAcme()
    const owner = await client(lab)
    const pem = await obtain(lab, owner, ['mail.lab.test'])
    const stranger = await client(lab)
    await register(stranger)
    await expect(stranger.revokeCertificate(pem)).rejects.toThrow(/neither by the certificate’s key nor by its account/)
    await owner.revokeCertificate(pem, { reason: 4 })
    await expect(owner.revokeCertificate(pem)).rejects.toThrow(/revoked on .*superseded/)
    const { serialNumber } = new X509Certificate(pem)
    expect(
      (await lab.authorities.issued(lab.authority)).find(({ serial }) => serial === serialNumber)?.revoked?.reason,
    ).toBe('superseded')
  })

  it('finds an account by its key, and changes it, its key and its status', async () => {
    await using lab = await startAcme()
    const account = await client(lab)
    await register(account)
    const url = account.getAccountUrl()
    await register(account)
    expect(account.getAccountUrl()).toBe(url)
    expect((await account.updateAccount({ contact: ['mailto:other@lab.test'] })).contact).toEqual([
      'mailto:other@lab.test',
    ])
    await expect(account.updateAccount({ contact: ['tel:1'] })).rejects.toThrow(/mailto/)
    await account.updateAccountKey(await acme.crypto.createPrivateRsaKey())
    expect((await account.updateAccount({ status: 'deactivated' } as never)).status).toBe('deactivated')
    await expect(account.createOrder({ identifiers: [{ type: 'dns', value: 'x.test' }] })).rejects.toThrow(
      /deactivated/,
    )
  })

  it('requires an external account binding with the right key', async () => {
    const key = Buffer.alloc(32, 7).toString('base64url')
    await using lab = await startAcme({ 'kid-1': key })
    await expect(register(await client(lab))).rejects.toThrow(/external account binding/)
    const wrong = { kid: 'kid-1', hmacKey: Buffer.alloc(32, 8).toString('base64url') }
    await expect(register(await client(lab, { externalAccountBinding: wrong }))).rejects.toThrow(/HS256/)
    await register(await client(lab, { externalAccountBinding: { kid: 'kid-1', hmacKey: key } }))
  })

  it('keeps an order at a standalone authority in processing until it is approved', async () => {
    await using lab = await startAcme()
    await lab.authorities.createRoot({ name: 'By Hand', type: 'standalone' })
    const account = await client(lab, {
      directoryUrl: lab.directory.replace(/acme\/.*\/directory/, 'acme/by-hand/directory'),
    })
    const approving = (async () => {
      await expect.poll(async () => (await lab.authorities.requests('By Hand')).length, { timeout: 20_000 }).toBe(1)
      await lab.authorities.approve((await lab.authorities.requests('By Hand'))[0]?.id ?? 0)
    })()
    const pem = await obtain(lab, account, ['mail.lab.test'])
    await approving
    expect(new X509Certificate(pem).issuer).toContain('By Hand')
  })

  it('suggests renewal after two thirds of the lifetime, and immediately after revocation', async () => {
    await using lab = await startAcme()
    const pem = await obtain(lab, await client(lab), ['mail.lab.test'])
    const certificate = new X509Certificate(pem)
    const id = renewalId(certificate) ?? ''
    const ask = (of: string) => fetch(lab.directory.replace('directory', `renewal-info/${of}`))
    expect((await ask(id.replace(/^[^.]+/, 'AAAA'))).status).toBe(404)
    const renewalInfo = async () => {
      const response = await ask(id)
      return (await response.json()) as { suggestedWindow: { start: string; end: string } }
    }
    const { start } = (await renewalInfo()).suggestedWindow
    const life = Date.parse(certificate.validTo) - Date.parse(certificate.validFrom)
    expect((Date.parse(start) - Date.parse(certificate.validFrom)) / life).toBeCloseTo(2 / 3, 3)
    await lab.authorities.revoke(certificate.serialNumber)
    expect(Date.parse((await renewalInfo()).suggestedWindow.end)).toBeLessThanOrEqual(Date.now())
  })

  it('accepts one order that replaces a certificate, of the same account and with a common name', async () => {
    await using lab = await startAcme()
    const account = await client(lab)
    const replaces = renewalId(new X509Certificate(await obtain(lab, account, ['mail.lab.test']))) ?? ''
    const order = (from: InstanceType<typeof acme.Client>, name: string, id = replaces) =>
      from.createOrder({ identifiers: [{ type: 'dns', value: name }], replaces: id } as never)
    const stranger = await client(lab)
    await register(stranger)
    await expect(order(stranger, 'mail.lab.test')).rejects.toThrow(/belongs to another account/)
    await expect(order(account, 'news.lab.test')).rejects.toThrow(/has none of the names/)
    await expect(order(account, 'mail.lab.test', replaces.slice(0, -4))).rejects.toThrow(/has not issued/)
    expect((await order(account, 'mail.lab.test')) as object).toMatchObject({ replaces })
    await expect(order(account, 'mail.lab.test')).rejects.toThrow(/another order replaces/)
  })

  it('refuses requests without a valid nonce or content type', async () => {
    await using lab = await startAcme()
    const post = (body: unknown, type = 'application/jose+json') =>
      fetch(lab.directory.replace('directory', 'new-account'), {
        method: 'POST',
        headers: { 'content-type': type },
        body: JSON.stringify(body),
      })
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const cases: readonly (readonly [unknown, number, RegExp])[] = [
      [{}, 400, /malformed/],
      [{ protected: part({ alg: 'none' }), payload: '', signature: '' }, 400, /badNonce/],
      [{ protected: part({ alg: 'HS256', nonce: 'made-up', jwk: {} }), payload: '', signature: '' }, 400, /badNonce/],
    ]
    for (const [body, status, why] of cases) {
      const response = await post(body)
      expect(response.status).toBe(status)
      expect(await response.text()).toMatch(why)
      expect(response.headers.get('replay-nonce')).toMatch(/^[\w-]{22}$/)
    }
    expect((await post({}, 'application/json')).status).toBe(415)
  })
})

describe.runIf(isThorough && needs('certbot'))('certbot', () => {
  it('obtains a certificate over HTTPS, renews and revokes it', async () => {
    await using lab = await startAcme()
    await writeFile(join(lab.folder, 'root.pem'), lab.store.rootPem)
    const folders = ['config', 'work', 'logs'].flatMap((name) => [`--${name}-dir`, join(lab.folder, name)])
    const certbot = (...args: string[]) =>
      run('certbot', [...args, ...folders, '--server', lab.tlsDirectory, '-n'], {
        env: { ...process.env, REQUESTS_CA_BUNDLE: join(lab.folder, 'root.pem') },
      })
    const http = ['--standalone', '--http-01-address', '127.0.0.1', '--http-01-port', String(lab.httpPort)]
    await certbot(
      'certonly',
      ...http,
      '--agree-tos',
      '-m',
      'admin@lab.test',
      '-d',
      'www.lab.test',
      '-d',
      'mail.lab.test',
    )
    const live = join(lab.folder, 'config/live/www.lab.test/cert.pem')
    const first = new X509Certificate(await readFile(live))
    expect(first.subjectAltName?.split(', ').sort()).toEqual(['DNS:mail.lab.test', 'DNS:www.lab.test'])
    await certbot('renew', ...http, '--force-renewal', '--no-random-sleep-on-renew')
    expect(new X509Certificate(await readFile(live)).serialNumber).not.toBe(first.serialNumber)
    await certbot('revoke', '--cert-path', live, '--reason', 'superseded', '--no-delete-after-revoke')
    expect((await lab.authorities.issued(lab.authority)).some(({ revoked }) => revoked?.reason === 'superseded')).toBe(
      true,
    )
  })
})

describe.skipIf(!needs('acme-tiny'))('acme-tiny', () => {
  it('obtains a certificate', async () => {
    await using lab = await startAcme()
    const at = (name: string): string => join(lab.folder, name)
    await run('openssl', ['genrsa', '-out', at('account.key'), '2048'])
    await run('openssl', [
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      at('www.key'),
      '-out',
      at('www.csr'),
      '-subj',
      '/CN=www.lab.test',
    ])
    const files = createServer((request, response) => {
      readFile(at((request.url ?? '').split('/').at(-1) ?? '')).then(
        (octets) => response.end(octets),
        () => response.writeHead(404).end(),
      )
    })
    await new Promise<void>((resolve) => files.listen(lab.httpPort, '127.0.0.1', resolve))
    const { stdout } = await run('acme-tiny', [
      '--account-key',
      at('account.key'),
      '--csr',
      at('www.csr'),
      '--acme-dir',
      lab.folder,
      '--directory-url',
      lab.directory,
      '--disable-check',
    ])
    files.close()
    expect(new X509Certificate(stdout).checkHost('www.lab.test')).toBe('www.lab.test')
  })
})
