import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CertificateLab, imap4, pop3, smtp } from './cert-support.ts'

const pki = new CertificateLab()

await pki.outsideAuthority('world')
await pki.outsideAuthority('middle', 'world')
await pki.outsideAuthority('stranger')
for (const [server, signer, chain] of [
  [imap4, 'world', []],
  [pop3, 'middle', ['middle.pem']],
] as const) {
  await pki.request(server)
  await pki.sign(signer, 'certreq.txt', 'answer.pem')
  pki.write('chain.pem', ['answer.pem', ...chain].map((name) => pki.text(name)).join(''))
  await pki.done('cert', 'install', 'chain.pem')
}

const findings = async (): Promise<string> => (await pki.sealpost('check')).stderr

describe('an outside root', () => {
  it('is accepted by check, healthcheck and verify while it is trusted', async () => {
    expect(await findings()).toMatch(/incomplete chain: world is not known here; .* run: sealpost ca add-trusted FILE/)
    {
      await using _running = await pki.start(['--config', 'lab.yaml'])
      expect((await pki.sealpost('healthcheck')).status).toBe(1)
      expect(await pki.done('ca', 'add-trusted', 'world.pem')).toBe(
        'The checks of the lab now accept the root of "world".\n',
      )
      await expect.poll(async () => (await pki.sealpost('healthcheck')).stderr, { timeout: 20_000 }).toBe('')
      const verified = await pki.sealpost('verify', '--protocol', 'pop3', 'imap4', '--check', 'chain')
      expect(verified.status, verified.stdout).toBe(0)
    }
    expect(await findings()).not.toContain('world')
    expect(await pki.done('ca', 'export')).toContain(pki.text('world.pem').trim())
    expect(await pki.json('ca', 'list-trusted')).toMatchObject([{ kind: 'root', name: 'world' }])
    expect(await pki.done('ca', 'remove-trusted', 'WORLD')).toBe('Removed the root of "world".\n')
    expect(await findings()).toContain('world is not known here')
    expect(await pki.refused('ca', 'remove-trusted', 'world')).toMatch(/no outside root .* "world"; there are: none/)
    expect(await pki.done('ca', 'list-trusted')).toBe('There are no outside roots or revocation lists.\n')
  })

  it('can be DER or PKCS#7, and is added once', async () => {
    await pki.openssl('x509', '-in', 'world.pem', '-outform', 'DER', '-out', 'world.cer')
    await pki.openssl('crl2pkcs7', '-nocrl', '-certfile', 'world.pem', '-out', 'world.p7b')
    const said: string[] = []
    for (const file of ['world.cer', 'world.p7b', 'world.pem']) said.push(await pki.done('ca', 'add-trusted', file))
    expect(said.map((text) => text.trim())).toEqual([
      'The checks of the lab now accept the root of "world".',
      'The checks of the lab already accept the root of "world".',
      'The checks of the lab already accept the root of "world".',
    ])
    expect(await pki.json('ca', 'list-trusted')).toHaveLength(1)
  })

  it('is refused if it is no authority or no certificate', async () => {
    expect(await pki.refused('ca', 'add-trusted', 'answer.pem')).toMatch(/is not an authority: middle issued it; add/)
    expect(await pki.refused('ca', 'add-trusted', 'certreq.txt')).toMatch(/neither certificates .* nor a revocation/)
    pki.write('junk', 'junk')
    expect(await pki.refused('ca', 'add-trusted', 'junk')).toMatch(/neither certificates .* nor a revocation list/)
  })
})

it('an intermediate authority that the lab knows is named as such', async () => {
  const add = async () => (await pki.done('ca', 'add-trusted', 'middle.pem')).trim()
  expect(await add()).toBe('The lab now knows the intermediate authority "middle".')
  expect(await add()).toBe('The lab already knows the intermediate authority "middle".')
  await pki.done('ca', 'remove-trusted', 'middle')
})

describe('an outside revocation list', () => {
  /** Creates NAME.crl, signed by `signer`, which revokes these certificates. */
  async function list(signer: string, name: string, revoked: readonly string[], ...args: readonly string[]) {
    pki.write('ca.cnf', `[ca]\ndefault_ca=x\n[x]\ndatabase=${name}.db\ndefault_md=sha256\n`)
    pki.write(`${name}.db`, '')
    const ca = ['ca', '-config', 'ca.cnf', '-cert', `${signer}.pem`, '-keyfile', `${signer}.key`]
    for (const file of revoked) await pki.openssl(...ca, '-revoke', file)
    await pki.openssl(...ca, '-gencrl', ...(args.length > 0 ? args : ['-crldays', '5']), '-out', `${name}.crl`)
  }

  it('revokes a certificate and an authority for check', async () => {
    await pki.done('ca', 'add-trusted', 'world.pem')
    await list('world', 'empty', [])
    expect(await pki.done('ca', 'add-trusted', 'empty.crl')).toContain('revocation list of "world"')
    expect((await pki.sealpost('check')).status).toBe(0)
    pki.write('imap4.pem', (await pki.json('cert', 'show', imap4)).certificatePem ?? '')
    await list('world', 'full', ['imap4.pem', 'middle.pem'])
    await pki.openssl('crl', '-in', 'full.crl', '-outform', 'DER', '-out', 'full.der')
    await pki.done('ca', 'add-trusted', 'full.der')
    const { status, stderr } = await pki.sealpost('check')
    expect(status).toBe(1)
    expect(stderr).toMatch(new RegExp(`${imap4}: .* is revoked by the list of world`))
    expect(stderr).toMatch(new RegExp(`${pop3}: .* was issued by middle, which is revoked by the list of world`))
    expect(await pki.json<unknown[]>('ca', 'list-trusted')).toHaveLength(2)
    expect(await pki.refused('ca', 'remove-trusted', 'world')).toMatch(/"world" is ambiguous; give the thumbprint: /)
  })

  it('revokes a certificate for verify', async () => {
    await using _running = await pki.start(['--config', 'lab.yaml'])
    const { status, stdout } = await pki.sealpost(
      'verify',
      '--protocol',
      'pop3',
      'imap4',
      '--check',
      'revocation',
      '-v',
    )
    expect(status).toBe(1)
    expect(stdout).toMatch(/revocation +the certificate is revoked by the list of world/)
    expect(stdout).toMatch(/revocation +the certificate was issued by middle, which is revoked by the list of world/)
  })

  it('that has expired is reported', async () => {
    await list('world', 'old', [], '-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', '20200201000000Z')
    const refused = await pki.refused('ca', 'add-trusted', 'old.crl')
    const [, newer = ''] = /older than the one that the lab has.* remove-trusted (\w+)/.exec(refused) ?? []
    await pki.done('ca', 'remove-trusted', newer)
    await pki.done('ca', 'add-trusted', 'old.crl')
    expect(await findings()).toMatch(/cannot be checked for revocation: the list of world expired on 2020-02-01; add/)
  })

  it('is refused if another authority of that name signed it', async () => {
    await pki.openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'fake.key',
      '-subj',
      '/O=Outside/CN=world',
      '-out',
      'fake.pem',
    )
    await list('fake', 'forged', [])
    expect(await pki.refused('ca', 'add-trusted', 'forged.crl')).toContain('world did not sign this revocation list')
  })

  it('whose file is lost keeps no certificate from being installed', async () => {
    const lost = readdirSync(pki.path('certs/trusted')).filter((file) => /^world-/.test(file))
    for (const file of lost)
      if (pki.text(join('certs/trusted', file)).includes('X509 CRL')) rmSync(pki.path(join('certs/trusted', file)))
    await pki.request(smtp)
    await pki.sign('world', 'certreq.txt', 'answer.pem')
    const { status, stderr } = await pki.sealpost('cert', 'install', 'answer.pem')
    expect(status, stderr).toBe(0)
    expect(stderr).toMatch(/the certificate cannot be checked: .*trusted/)
  })
})
