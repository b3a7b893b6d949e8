import { X509Certificate } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { some } from '../support/thorough.ts'
import { CertificateLab, imap4, pop3, type ShownCertificate, smtp } from './cert-support.ts'

const pki = new CertificateLab()

const issued = await pki.json('cert', 'issue', '--for', smtp, '--cn', 'localhost', '--name', 'First')
const thumbprint = issued.thumbprint ?? ''

const show = (name: string) => pki.json<ShownCertificate>('cert', 'show', name)

// The tests tell one story.
describe('assigned certificates', { shuffle: false }, () => {
  describe('a certificate in the store', () => {
    it('issued by the lab is verified by openssl', async () => {
      expect((await show('First')).usedBy).toEqual([smtp])
      await pki.done('ca', 'export', '--out', 'root.pem')
      await pki.done('cert', 'export', 'First', '--out', 'first.crt')
      await pki.openssl('x509', '-inform', 'DER', '-in', 'first.crt', '-out', 'first.pem')
      const checks = ['-x509_strict', '-purpose', 'sslserver', '-verify_hostname', 'localhost']
      expect(await pki.openssl('verify', ...checks, '-CAfile', 'root.pem', 'first.pem')).toContain('OK')
    })

    it('is assigned by friendly name or by thumbprint with colons', async () => {
      await pki.done('cert', 'assign', 'First', '--for', 'pop3')
      const colons = (thumbprint.match(/../g) ?? []).join(':').toLowerCase()
      await pki.done('cert', 'assign', colons, '--for', imap4)
      expect((await show('First')).usedBy).toEqual([smtp, pop3, imap4])
    })

    it('stays in the store after remove and can be assigned again', async () => {
      expect(await pki.done('cert', 'unassign', '--for', imap4)).toContain('stays in the store')
      expect(await pki.refused('cert', 'unassign', '--for', imap4)).toContain('has no certificate assigned')
      expect((await show('First')).usedBy).toEqual([smtp, pop3])
      await pki.done('cert', 'assign', 'First', '--for', imap4)
    })

    it('is assigned to a virtual server whose name is nearly right', async () => {
      expect(await pki.refused('cert', 'assign', 'First', '--for', 'imap')).toMatch(
        /no virtual server "imap"; did you mean imap4\?/,
      )
      expect(await pki.refused('cert', 'assign', 'First', '--for', 'nothing')).toMatch(/"nothing"; there are: "/)
    })

    it('is replaced by another one', async () => {
      await pki.done('cert', 'unassign', '--for', pop3)
      await pki.done('cert', 'issue', '--for', pop3, '--cn', 'localhost', '--name', 'Second')
      const answer = await pki.json('cert', 'replace', 'Second', '--for', smtp)
      expect(answer).toMatchObject({ virtualServer: smtp, replaced: thumbprint })
      expect((await show('Second')).usedBy).toEqual([smtp, pop3])
      await pki.done('cert', 'unassign', '--for', smtp)
      expect(await pki.refused('cert', 'replace', 'Second', '--for', smtp)).toContain('no certificate assigned')
    })

    it('is not deleted while in use', async () => {
      expect(await pki.refused('cert', 'delete', 'Second')).toMatch(/in use by "Default POP3 Virtual Server"/)
      await pki.done('cert', 'unassign', '--for', pop3)
      const key = JSON.parse(pki.state).certificates.at(-1).key
      expect(await pki.done('cert', 'delete', 'Second')).toContain('deleted')
      expect(() => pki.text(`certs/${key}`)).toThrow(/ENOENT/)
      expect(await pki.refused('cert', 'show', 'Second')).toMatch(/no certificate "Second".*there are: First/)
    })

    it('is not assigned if the file sets another certificate', async () => {
      const pinned = pki.text('lab.yaml').replace('protocol: imap4,', 'protocol: imap4, certificate: First,')
      pki.write('pinned.yaml', pinned)
      const { status, stderr } = await pki.run(['cert', 'assign', 'First', '--for', imap4, '--config', 'pinned.yaml'])
      expect(status).toBe(1)
      expect(stderr).toMatch(/pinned\.yaml:6:\d+: virtualServers\[2\]\.certificate: First/)
      await pki.done('cert', 'unassign', '--for', imap4)
      const deleting = await pki.run(['cert', 'delete', 'First', '--config', 'pinned.yaml'])
      expect(deleting.stderr).toContain(`in use by "${imap4}"`)
    })
  })

  describe('sealpost cert list', () => {
    it('fits 80 columns with short thumbprints and wraps the virtual servers', async () => {
      vi.stubEnv('COLUMNS', '80')
      onTestFinished(() => void vi.unstubAllEnvs())
      for (const server of [pop3, imap4]) await pki.done('cert', 'assign', 'First', '--for', server)
      await pki.done('cert', 'assign', 'First', '--for', smtp)
      const lines = (await pki.done('cert', 'list')).trimEnd().split('\n')
      expect(lines.map((line) => line.trimEnd())).toEqual([
        'FRIENDLY NAME  ISSUED TO  VALID FOR  THUMBPRINT  USED BY',
        expect.stringMatching(
          new RegExp(`^First +localhost +\\d+ days +${thumbprint.slice(0, 8)} +SMTP, POP3, IMAP4$`),
        ),
      ])
      await pki.done('cert', 'issue', '--for', smtp, '--name', 'A name that is long for a certificate')
      const wrapped = (await pki.done('cert', 'list')).trimEnd().split('\n')
      expect(Math.max(...wrapped.map((line) => line.length))).toBeLessThanOrEqual(80)
      expect(await pki.done('cert', 'show', 'First')).toContain(thumbprint)
      for (const server of [smtp, pop3, imap4]) await pki.done('cert', 'unassign', '--for', server)
      await pki.done('cert', 'delete', 'A name that is long for a certificate')
    })
  })

  describe('sealpost cert renew', () => {
    it('keeps the key or creates a new one; the old certificate stays in the store', async () => {
      await pki.done('cert', 'assign', 'First', '--for', smtp)
      const spki = async (name: string): Promise<string> => {
        pki.write('one.pem', (await show(name)).certificatePem)
        return pki.openssl('x509', '-in', 'one.pem', '-noout', '-pubkey')
      }
      const before = await spki('First')
      const kept = await pki.json('cert', 'renew', '--for', smtp)
      expect(kept).toMatchObject({ state: 'renewed', replaces: thumbprint })
      expect(await spki(kept.thumbprint ?? '')).toBe(before)
      expect((await show(kept.thumbprint ?? '')).usedBy).toEqual([smtp])
      const fresh = await pki.json('cert', 'renew', kept.thumbprint ?? '', '--new-key')
      expect(await spki(fresh.thumbprint ?? '')).not.toBe(before)
      expect((await show(fresh.thumbprint ?? '')).usedBy).toEqual([smtp])
      expect((await show(thumbprint)).usedBy).toEqual([])
      // Both former ones name the present one.
      const [short, list] = [fresh.thumbprint?.slice(0, 8), await pki.done('cert', 'list')]
      expect(list).toMatch(new RegExp(`^First-old .* ${thumbprint.slice(0, 8)} +- \\(now ${short}\\)$`, 'm'))
      expect(list).toMatch(new RegExp(`^First-old-2 .* ${kept.thumbprint?.slice(0, 8)} +- \\(now ${short}\\)$`, 'm'))
    })

    it.each(
      some(
        [
          {
            kind: 'a short-lived one',
            args: ['--profile', 'short-lived'],
            seconds: 6 * 86_400,
            purpose: 'TLS Web Server',
          },
          {
            kind: 'one of hours, with sha384',
            args: ['--hours', '5', '--hash', 'sha384'],
            seconds: 5 * 3600,
            purpose: 'TLS Web Server',
          },
          {
            kind: 'a client’s',
            args: ['--profile', 'client', '--days', '20'],
            seconds: 20 * 86_400,
            purpose: 'TLS Web Client',
          },
        ],
        2,
      ),
    )(
      'keeps names, extensions, lifetime, hash and key type of a certificate: $kind',
      async ({ args, seconds, purpose }) => {
        const names = ['--cn', 'mail.lab.test', '--o', 'Example Ltd', '--san', 'localhost', '192.0.2.7']
        await pki.done('cert', 'issue', '--for', smtp, '--name', 'Kept', ...names, '--curve', 'P-384', ...args)
        const facts = async (): Promise<{ same: string; lifetime: number }> => {
          pki.write('one.pem', (await pki.certificateOf(smtp)).certificatePem)
          const shown = (without: string) =>
            pki.openssl('x509', '-in', 'one.pem', '-noout', '-text', '-certopt', without)
          const text = await shown('no_serial,no_validity,no_pubkey,no_sigdump,no_header,no_version')
          const { validFrom, validTo } = new X509Certificate(pki.text('one.pem'))
          const algorithms = await shown('no_serial,no_validity')
          const signedWith = /Signature Algorithm: \S+/.exec(algorithms)?.[0]
          const key = /ASN1 OID: \S+/.exec(algorithms)?.[0]
          const same = text.replace(/(X509v3 Subject Key Identifier:\s+)\S+/, '$1') + signedWith + key
          return { same, lifetime: (Date.parse(validTo) - Date.parse(validFrom)) / 1000 }
        }
        const before = await facts()
        expect(before.same).toContain(purpose)
        expect(before.same).toContain('192.0.2.7')
        for (const more of [[], ['--new-key']]) {
          await pki.done('cert', 'renew', '--for', smtp, ...more)
          expect(await facts()).toEqual({ same: before.same, lifetime: seconds })
        }
        await pki.done('cert', 'unassign', '--for', smtp)
      },
    )

    it('writes a request for an outside authority and keeps the old certificate until the new one is installed', async () => {
      await pki.outsideAuthority('outside')
      await pki.request(pop3, '--o', 'Example Ltd')
      await pki.sign('outside', 'certreq.txt', 'answer.pem')
      await pki.done('cert', 'install', 'answer.pem')
      const old = await show(pop3)
      expect(await pki.done('cert', 'renew', '--for', pop3, '--out', 'renew.txt')).toContain('stays in use')
      expect(await pki.openssl('req', '-in', 'renew.txt', '-verify', '-noout', '-subject')).toContain('Example Ltd')
      expect(await show(old.thumbprint)).toMatchObject({ usedBy: [pop3] })
      await pki.sign('outside', 'renew.txt', 'answer2.pem')
      await pki.done('cert', 'install', 'answer2.pem')
      expect(await show(old.thumbprint)).toMatchObject({ usedBy: [] })
      expect(await show(pop3)).toMatchObject({ usedBy: [pop3], issuedBy: 'outside' })
    })
  })
})
