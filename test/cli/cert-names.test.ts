import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { CertificateLab, imap4, pop3, type ShownCertificate, smtp } from './cert-support.ts'

const pki = new CertificateLab()

const names = async (): Promise<string[]> =>
  (await pki.json<ShownCertificate[]>('cert', 'list')).map(({ friendlyName }) => friendlyName)
const issue = (server: string, ...args: readonly string[]) =>
  pki.json('cert', 'issue', '--for', server, '--cn', 'localhost', ...args)

/** Gives certificates the same friendly name, as an edit of the file by hand can. */
function makeAmbiguous(name: string, count: number): string[] {
  const index = JSON.parse(pki.state)
  for (const one of index.certificates.slice(0, count)) one.friendlyName = name
  pki.write('certs/store.json', JSON.stringify({ ...index, revision: index.revision + 1 }))
  return index.certificates.slice(0, count).map((one: { thumbprint: string }) => one.thumbprint)
}

// The tests tell one story.
describe('certificates with names', { shuffle: false }, () => {
  describe('friendly names', () => {
    it('are unique: a name that is taken gets a number, in any case', async () => {
      await issue(smtp)
      expect(await issue(smtp)).toMatchObject({ friendlyName: `${smtp} 2` })
      expect(await issue(smtp)).toMatchObject({ friendlyName: `${smtp} 3` })
      await issue(pop3, '--name', 'mail')
      const again = await pki.sealpost('cert', 'issue', '--for', 'pop3', '--cn', 'localhost', '--name', 'MAIL')
      expect(again.stdout).toContain('MAIL-2')
      expect(again.stderr).toContain('the friendly name "MAIL" is taken: the certificate is called "MAIL-2"')
      expect(await names()).toEqual([smtp, `${smtp} 2`, `${smtp} 3`, 'mail', 'MAIL-2'])
    })

    it('of pending requests are taken, too', async () => {
      await pki.request(smtp, '--name', 'waiting')
      await pki.request(imap4, '--name', 'waiting')
      const pending = await pki.json<{ friendlyName: string }[]>('cert', 'pending')
      expect(pending.map(({ friendlyName }) => friendlyName)).toEqual(['waiting', 'waiting-2'])
      expect(await pki.refused('cert', 'rename', 'mail', 'Waiting')).toContain(
        '"Waiting" is taken; "Waiting-3" is free',
      )
      for (const server of ['smtp', 'imap4']) await pki.done('cert', 'cancel', '--for', server)
    })

    it('in a .pfx file get a number, and those that nobody can type are not used', async () => {
      await pki.done('cert', 'export', 'mail', '--out', 'mail.pfx', '--password', 'x')
      const { thumbprint } = await pki.json('cert', 'show', 'mail')
      await pki.done('cert', 'rename', 'mail', 'auxiliary')
      expect(await pki.refused('cert', 'import', 'mail.pfx', '--password', 'x')).toContain('already in the store')
      await pki.done('cert', 'delete', thumbprint ?? '')
      await pki.done('cert', 'rename', 'MAIL-2', 'mail')
      expect(await pki.json('cert', 'import', 'mail.pfx', '--password', 'x')).toMatchObject({ friendlyName: 'mail-2' })
      await pki.done('cert', 'export', 'mail-2', '--out', 'mail.pem')
      await pki.openssl(
        'pkcs12',
        '-export',
        '-in',
        'mail.pem',
        '-name',
        'a\tb',
        '-passout',
        'pass:x',
        '-out',
        'tab.pfx',
      )
      await pki.done('cert', 'delete', 'mail-2')
      expect(await pki.json('cert', 'import', 'tab.pfx', '--password', 'x')).toMatchObject({
        friendlyName: 'localhost',
      })
    })

    it('can be changed', async () => {
      expect(await pki.done('cert', 'rename', 'localhost', 'Web mail')).toContain(
        '"localhost" is now called "Web mail"',
      )
      expect(await pki.refused('cert', 'rename', 'Web mail', 'MAIL')).toContain('"MAIL" is taken; "MAIL-2" is free')
      expect(await pki.refused('cert', 'rename', 'Web mail', 'auto')).toContain('choose another friendly name')
      expect(await pki.refused('cert', 'rename', 'Web mail', ' ')).toContain('is empty')
      // Only the case changes.
      await pki.done('cert', 'rename', 'web mail', 'WEB MAIL')
      expect(await names()).toContain('WEB MAIL')
    })

    it('that the file names are changed only with --force', async () => {
      const pinned = pki.text('lab.yaml').replace('protocol: imap4,', 'protocol: imap4, certificate: WEB MAIL,')
      pki.write('pinned.yaml', pinned)
      const rename = ['cert', 'rename', 'WEB MAIL', 'other', '--config', 'pinned.yaml']
      const refused = await pki.run(rename)
      expect(refused.status).toBe(1)
      expect(refused.stderr).toMatch(/finds its certificate by this name, set in pinned\.yaml:6:\d+/)
      expect((await pki.run([...rename, '--force'])).status).toBe(0)
      await pki.done('cert', 'rename', 'other', 'WEB MAIL')
    })

    it('pass to the certificate that renews or replaces another one', async () => {
      const old = await pki.json('cert', 'show', 'mail')
      const renewed = await pki.json('cert', 'renew', 'mail')
      expect(renewed).toMatchObject({ friendlyName: 'mail', formerName: 'mail-old', replaces: old.thumbprint })
      expect(await pki.json('cert', 'renew', 'mail')).toMatchObject({ friendlyName: 'mail', formerName: 'mail-old-2' })
      await pki.done('cert', 'export', 'mail', '--out', 'next.pem')
      const next = await pki.json('cert', 'show', 'mail')
      await pki.done('cert', 'replace', 'mail-old', '--for', 'pop3')
      await pki.done('cert', 'delete', 'mail')
      await pki.json('cert', 'import', 'next.pem', '--replace', 'mail-old')
      expect(await pki.certificateOf(pop3)).toMatchObject({ friendlyName: 'mail-old', thumbprint: next.thumbprint })
      expect(await pki.json('cert', 'show', old.thumbprint ?? '')).toMatchObject({ friendlyName: 'mail-old-old' })
      const both = await pki.sealpost('cert', 'import', 'next.pem', '--replace', 'mail-old', '--name', 'x')
      expect(both).toMatchObject({ status: 2, stderr: expect.stringContaining('leave out --name') })
    })

    it('pass to the answer of an outside authority', async () => {
      await pki.outsideAuthority('outside')
      await pki.request(imap4, '--name', 'outside')
      await pki.sign('outside', 'certreq.txt', 'answer.pem')
      await pki.done('cert', 'install', 'answer.pem')
      await pki.done('cert', 'renew', 'outside', '--out', 'certreq.txt')
      await pki.done('cert', 'rename', 'outside', 'bought')
      await pki.sign('outside', 'certreq.txt', 'answer.pem')
      await pki.done('cert', 'install', 'answer.pem')
      expect(await pki.certificateOf(imap4)).toMatchObject({ friendlyName: 'bought' })
      expect(await names()).toContain('bought-old')
    })

    it('that several certificates have are refused with the candidates', async () => {
      const [first = '', second = ''] = makeAmbiguous('twin', 2)
      const refused = await pki.refused('cert', 'show', 'twin')
      for (const one of [first, second])
        expect(refused).toContain(`${one.slice(0, 8)} (issued to localhost, expires 20`)
      expect(refused).toContain(`sealpost cert rename ${first.slice(0, 8)} NEWNAME`)
      expect(await pki.refused('cert', 'assign', 'TWIN', '--for', smtp)).toContain('is ambiguous')
      await pki.done('cert', 'rename', first.slice(0, 8).toLowerCase(), 'elder')
      expect(await pki.json('cert', 'show', 'twin')).toMatchObject({ thumbprint: second })
    })
  })

  describe('sealpost cert list', () => {
    it('fits 80 columns and shows whole names, also of certificates without a common name', async () => {
      vi.stubEnv('COLUMNS', '80')
      onTestFinished(() => void vi.unstubAllEnvs())
      await pki.done('cert', 'issue', '--for', smtp, '--cn', 'a.very.long.host.name.of.a.mail.server.example.test')
      await pki.opensslRequest('x', { key: 'nameless.key', out: 'nameless.csr' })
      const san = 'subjectAltName=DNS:nameless.example.test'
      const nameless = ['req', '-new', '-key', 'nameless.key', '-subj', '/', '-addext', san, '-out', 'nameless.csr']
      await pki.openssl(...nameless)
      await pki.done('ca', 'sign', 'nameless.csr', '--out', 'nameless.pem')
      await pki.done('cert', 'import', 'nameless.pem', '--key', 'nameless.key')
      const shown = await pki.done('cert', 'list')
      for (const line of shown.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80)
      // A name that is too wide for its column continues on the next line, at the same place.
      const [, place = ''] = /^(nameless\.example\.test +)nameless/m.exec(shown) ?? []
      const rows = shown.split('\n')
      const row = rows.findIndex((line) => line.startsWith('nameless.example.test '))
      const cells = [rows[row], rows[row + 1]].map((line = '') => line.slice(place.length).split(/ {2,}/)[0]?.trim())
      expect(cells.join('')).toMatch(/^nameless\.example\.test/)
      for (const args of [['issued'], ['list'], ['list-trusted']]) {
        for (const line of (await pki.done('ca', ...args)).split('\n'))
          expect(line.length, line).toBeLessThanOrEqual(80)
      }
      expect(await pki.done('ca', 'issued')).toMatch(/^[0-9A-F]{32} +nameless\.example\.test/m)
    })
  })

  describe('warnings and sentences', () => {
    it('say what is used after cert remove', async () => {
      const { stdout } = await pki.sealpost('cert', 'unassign', '--for', smtp)
      expect(stdout).toMatch(/"Default SMTP Virtual Server" now uses a certificate that the lab issues; ".*" stays/)
      await using _lab = await pki.start(['--config', 'lab.yaml'])
      await issue(smtp, '--name', 'short')
      expect(await pki.done('cert', 'unassign', '--for', smtp)).toMatch(
        /now uses "localhost \(issued by the lab\)" \(thumbprint [0-9A-F]{40}\); "short" stays in the store/,
      )
      expect(await pki.done('cert', 'unassign', '--for', pop3)).toContain('has no certificate now, and no TLS until')
      await pki.done('cert', 'assign', 'short', '--for', smtp)
      expect(await pki.json('cert', 'unassign', '--for', smtp)).toMatchObject({
        friendlyName: 'short',
        now: { kind: 'stored', friendlyName: 'localhost (issued by the lab)' },
      })
    })

    it('concern only what a command changed', async () => {
      await pki.done('cert', 'issue', '--for', smtp, '--cn', 'other.test', '--bits', '1024', '--name', 'small')
      const small = /"small" has a key of 1024 bits/
      expect((await pki.sealpost('cert', 'assign', 'small', '--for', smtp)).stderr).toMatch(small)
      for (const args of [
        ['cert', 'list'],
        ['cert', 'assign', 'short', '--for', pop3],
        ['cert', 'renew', 'short'],
        ['cert', 'show', 'short'],
      ]) {
        expect((await pki.sealpost(...args)).stderr, args.join(' ')).not.toMatch(small)
      }
      expect((await pki.sealpost('cert', 'list')).stderr).toMatch(/sealpost check has \d remarks about/)
      expect((await pki.sealpost('cert', 'show', 'small')).stderr).toMatch(small)
      expect((await pki.sealpost('check')).stderr).toMatch(small)
    })
  })
})
