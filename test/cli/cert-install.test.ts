import { copyFileSync, writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { some } from '../support/thorough.ts'
import { CertificateLab, imap4, pop3, smtp } from './cert-support.ts'

const pki = new CertificateLab()

await pki.outsideAuthority('root')
await pki.outsideAuthority('middle', 'root')
await pki.outsideAuthority('stranger')

const join = (...names: readonly string[]): string => names.map((name) => pki.text(name)).join('')

/** The formats in which authorities return certificates. `make` creates the file from answer.pem. */
const forms: readonly { title: string; file: string; make: () => Promise<unknown> }[] = [
  {
    title: 'PEM .cer',
    file: 'answer.cer',
    make: async () => copyFileSync(pki.path('answer.pem'), pki.path('answer.cer')),
  },
  {
    title: 'DER .cer',
    file: 'answer.der.cer',
    make: () => pki.openssl('x509', '-in', 'answer.pem', '-outform', 'DER', '-out', 'answer.der.cer'),
  },
  {
    title: 'PEM chain',
    file: 'chain.pem',
    make: async () => pki.write('chain.pem', join('answer.pem', 'middle.pem', 'root.pem')),
  },
  {
    title: 'PEM chain in another order, with text around it',
    file: 'mixed.pem',
    make: async () => pki.write('mixed.pem', `root\n${join('root.pem', 'answer.pem')}and\r\n${join('middle.pem')}`),
  },
  {
    title: 'PKCS#7 DER',
    file: 'answer.p7b',
    make: () => pki.openssl(...pkcs7, '-outform', 'DER', '-out', 'answer.p7b'),
  },
  { title: 'PKCS#7 PEM', file: 'answer.pem.p7b', make: () => pki.openssl(...pkcs7, '-out', 'answer.pem.p7b') },
]
const pkcs7 = ['crl2pkcs7', '-nocrl', '-certfile', 'root.pem', '-certfile', 'middle.pem', '-certfile', 'answer.pem']

// The tests tell one story.
describe('installed certificates', { shuffle: false }, () => {
  describe('sealpost cert install', () => {
    it.each(some(forms, 4))('accepts $title', async ({ file, make }) => {
      await pki.request(smtp)
      await pki.sign('middle', 'certreq.txt', 'answer.pem')
      await make()
      const { status, stdout, stderr } = await pki.sealpost('cert', 'install', file)
      expect(status, stderr).toBe(0)
      for (const part of [
        'CN=localhost',
        'dns:localhost',
        'CN=middle, O=Outside',
        'Valid:',
        'Server Authentication',
        smtp,
      ]) {
        expect(stdout).toContain(part)
      }
      expect(await pki.json<unknown[]>('cert', 'pending')).toEqual([])
      const shown = await pki.certificateOf(smtp)
      expect(shown).toMatchObject({ issuedTo: 'localhost', issuedBy: 'middle', usedBy: [smtp], state: 'valid' })
      const fingerprint = await pki.openssl('x509', '-in', 'answer.pem', '-noout', '-fingerprint', '-sha1')
      expect(shown.thumbprint).toBe(fingerprint.trim().replace(/^.*=/, '').replaceAll(':', ''))
    })

    it('stores the chain without the root', async () => {
      const shown = await pki.certificateOf(smtp)
      expect(shown.chain).toEqual(['CN=middle, O=Outside'])
    })

    it('warns if the issuer is unknown', async () => {
      await pki.request(pop3)
      await pki.sign('stranger', 'certreq.txt', 'answer.pem')
      const { status, stderr } = await pki.sealpost('cert', 'install', 'answer.pem')
      expect(status).toBe(0)
      expect(stderr).toMatch(/warning: the certificate has an incomplete chain: stranger is not known here/)
    })
  })

  describe('the chain of an answer', () => {
    beforeAll(async () => {
      await pki.outsideAuthority('top')
      await pki.outsideAuthority('upper', 'top')
      await pki.outsideAuthority('lower', 'upper')
    })

    it.each([
      { title: 'no issuer', file: ['lowest.pem'], missing: 'lower' },
      { title: 'its issuers without the root', file: ['lowest.pem', 'upper.pem', 'lower.pem'], missing: undefined },
      { title: 'all its issuers', file: ['lowest.pem', 'lower.pem', 'upper.pem', 'top.pem'], missing: undefined },
    ])('with $title: install and check name what is missing', async ({ file, missing }) => {
      await pki.request(imap4)
      await pki.sign('lower', 'certreq.txt', 'lowest.pem')
      pki.write('some.pem', join(...file))
      const { stderr } = await pki.sealpost('cert', 'install', 'some.pem')
      const chain = (text: string): string[] => text.split('\n').filter((line) => line.includes('incomplete'))
      expect(chain(stderr)).toEqual(
        missing ? [expect.stringContaining(`incomplete chain: ${missing} is not known`)] : [],
      )
      const checked = await pki.sealpost('check')
      const found = chain(checked.stderr).filter((line) => line.includes(imap4))
      expect(found).toEqual(missing ? [expect.stringContaining(`incomplete chain: ${missing} is not known`)] : [])
      // The store forgets the issuers with the certificate.
      await pki.done('cert', 'unassign', '--for', imap4)
      await pki.done('cert', 'delete', imap4)
    })
  })

  describe('the names of an answer', () => {
    /** Answers a request for localhost and further names with these lines of extensions. Returns what install printed. */
    async function answered(lines: readonly string[], ...names: readonly string[]): Promise<string> {
      await pki.request(imap4, ...names)
      pki.write('names.ext', ['extendedKeyUsage=serverAuth', ...lines].join('\n'))
      const signer = ['-CA', 'root.pem', '-CAkey', 'root.key', '-extfile', 'names.ext', '-days', '20']
      await pki.openssl('x509', '-req', '-in', 'certreq.txt', ...signer, '-out', 'names.pem')
      const { status, stderr } = await pki.sealpost('cert', 'install', 'names.pem')
      expect(status, stderr).toBe(0)
      return stderr
    }

    it('are reported if they are others than those requested', async () => {
      expect(await answered(['subjectAltName=DNS:other.test'])).toMatch(
        /warning: the request was for localhost, but the certificate is issued to other\.test/,
      )
      expect(await answered([])).toMatch(/for localhost, but the certificate is issued to no name in subjectAltName/)
      const partly = await answered(['subjectAltName=DNS:localhost,DNS:a.b.test'], '--san', 'a.b.test', 'c.b.test')
      expect(partly).toMatch(/the request was for c\.b\.test, but/)
    })

    it('are accepted in another case, with a wildcard and with more of them', async () => {
      const names = 'subjectAltName=DNS:LOCALHOST,DNS:*.b.test,IP:192.0.2.1,DNS:more.test'
      expect(await answered([names], '--san', 'a.b.test', '192.0.2.1')).not.toContain('the request was for')
    })
  })

  describe('sealpost cert install changes nothing and refuses', () => {
    beforeAll(() => pki.request(imap4))

    it('a certificate whose key matches no pending request', async () => {
      await pki.opensslRequest('x', { key: 'x.key', out: 'x.csr' })
      await pki.sign('root', 'x.csr', 'x.pem')
      expect(await pki.refused('cert', 'install', 'x.pem')).toMatch(
        /no pending request has the key of the certificate issued to x; pending: "Default IMAP4/,
      )
      expect(await pki.refused('cert', 'install', 'x.pem', '--for', smtp)).toContain('has no pending request')
    })

    it('a certificate that is already installed', async () => {
      writeFileSync(pki.path('again.pem'), (await pki.certificateOf(pop3)).certificatePem)
      expect(await pki.refused('cert', 'install', 'again.pem')).toContain('already in the store as')
    })

    it('an expired certificate and one that is not yet valid', async () => {
      const dates = ['-not_before', '20200101000000Z', '-not_after', '20200201000000Z']
      await pki.sign('root', 'certreq.txt', 'old.pem', ...dates)
      expect(await pki.refused('cert', 'install', 'old.pem')).toMatch(/expired on 2020-02-01/)
      await pki.sign(
        'root',
        'certreq.txt',
        'early.pem',
        '-not_before',
        '20990101000000Z',
        '-not_after',
        '20990201000000Z',
      )
      expect(await pki.refused('cert', 'install', 'early.pem')).toMatch(/not valid before 2099/)
    })

    it("an authority's certificate, as that of a server", async () => {
      pki.write('ca.ext', 'basicConstraints=critical,CA:TRUE\nsubjectAltName=DNS:localhost\n')
      const signer = ['-CA', 'root.pem', '-CAkey', 'root.key', '-extfile', 'ca.ext', '-days', '20']
      await pki.openssl('x509', '-req', '-in', 'certreq.txt', ...signer, '-out', 'ca-true.pem')
      expect(await pki.refused('cert', 'install', 'ca-true.pem')).toMatch(
        /belongs to a certificate authority \(CA:TRUE\).*--force/,
      )
    })

    it('an incomplete chain', async () => {
      await pki.sign('middle', 'certreq.txt', 'answer.pem')
      await pki.outsideAuthority('other')
      pki.write('broken.pem', join('answer.pem', 'other.pem'))
      // The store knows `middle` already, so the test needs an unknown authority.
      await pki.outsideAuthority('deep', 'stranger')
      await pki.sign('deep', 'certreq.txt', 'deep-leaf.pem')
      pki.write('broken.pem', join('deep-leaf.pem', 'other.pem'))
      expect(await pki.refused('cert', 'install', 'broken.pem')).toMatch(
        /chain is invalid.*issued by deep.*contains other/,
      )
    })

    it('an issuer that is not an authority', async () => {
      await pki.opensslRequest('no', { key: 'no.key', out: 'no.csr' })
      await pki.sign('root', 'no.csr', 'no.pem')
      await pki.sign('no', 'certreq.txt', 'by-no.pem')
      pki.write('by-no-chain.pem', join('by-no.pem', 'no.pem', 'root.pem'))
      expect(await pki.refused('cert', 'install', 'by-no-chain.pem')).toMatch(/chain is invalid/)
    })

    it.each([
      ['text', 'hello'],
      ['an empty file', ''],
      ['a broken PEM', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
      ['a request', undefined],
    ])('%s', async (_, content) => {
      pki.write('junk.cer', content ?? pki.text('certreq.txt'))
      expect(await pki.refused('cert', 'install', 'junk.cer')).toMatch(/neither a certificate/)
    })

    it('a missing file', async () => {
      expect(await pki.refused('cert', 'install', 'nothing.cer')).toMatch(/nothing\.cer cannot be read: no such file/)
    })

    it('an expired certificate only without --force', async () => {
      const { stdout, stderr } = await pki.sealpost('cert', 'install', 'old.pem', '--force')
      expect(stdout).toContain('installed on')
      expect(await pki.certificateOf(imap4)).toMatchObject({ state: 'expired' })
      expect(stderr).toContain('warning: the certificate expired on 2020-02-01')
    })
  })
})
