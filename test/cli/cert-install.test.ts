import { copyFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CertificateOffice, imap4, pop3, type ShownCertificate, smtp } from './cert-support.ts'

let office: CertificateOffice

beforeAll(async () => {
  office = new CertificateOffice()
  await office.outsideAuthority('root')
  await office.outsideAuthority('middle', 'root')
  await office.outsideAuthority('stranger')
})
afterAll(() => office.remove())

const join = (...names: readonly string[]): string => names.map((name) => office.text(name)).join('')

/** The forms in which authorities answer: each made of answer.pem and written to the file it names. */
const forms: readonly { title: string; file: string; make: () => Promise<unknown> }[] = [
  {
    title: 'PEM .cer',
    file: 'answer.cer',
    make: async () => copyFileSync(office.path('answer.pem'), office.path('answer.cer')),
  },
  {
    title: 'DER .cer',
    file: 'answer.der.cer',
    make: () => office.openssl('x509', '-in', 'answer.pem', '-outform', 'DER', '-out', 'answer.der.cer'),
  },
  {
    title: 'PEM chain',
    file: 'chain.pem',
    make: async () => office.write('chain.pem', join('answer.pem', 'middle.pem', 'root.pem')),
  },
  {
    title: 'PEM chain in another order, with text around it',
    file: 'mixed.pem',
    make: async () => office.write('mixed.pem', `root\n${join('root.pem', 'answer.pem')}and\r\n${join('middle.pem')}`),
  },
  {
    title: 'PKCS#7 DER',
    file: 'answer.p7b',
    make: () => office.openssl(...pkcs7, '-outform', 'DER', '-out', 'answer.p7b'),
  },
  { title: 'PKCS#7 PEM', file: 'answer.pem.p7b', make: () => office.openssl(...pkcs7, '-out', 'answer.pem.p7b') },
]
const pkcs7 = ['crl2pkcs7', '-nocrl', '-certfile', 'root.pem', '-certfile', 'middle.pem', '-certfile', 'answer.pem']

describe('sealpost cert install', () => {
  it.each(forms)('takes $title', async ({ file, make }) => {
    await office.request(smtp)
    await office.sign('middle', 'certreq.txt', 'answer.pem')
    await make()
    const { status, stdout, stderr } = await office.sealpost('cert', 'install', file)
    expect(status, stderr).toBe(0)
    for (const part of ['Issued to:         localhost', 'Issued by:         middle', 'Server Authentication', smtp]) {
      expect(stdout).toContain(part)
    }
    expect(await office.json<unknown[]>('cert', 'pending')).toEqual([])
    const shown = await office.json<ShownCertificate>('cert', 'show', smtp)
    expect(shown).toMatchObject({ issuedTo: 'localhost', issuedBy: 'middle', usedBy: [smtp], state: 'valid' })
    const fingerprint = await office.openssl('x509', '-in', 'answer.pem', '-noout', '-fingerprint', '-sha1')
    expect(shown.thumbprint).toBe(fingerprint.trim().replace(/^.*=/, '').replaceAll(':', ''))
  })

  it('keeps the chain without the root, and knows it for the next certificate', async () => {
    const shown = await office.json<ShownCertificate>('cert', 'show', smtp)
    expect(shown.chain).toEqual(['CN=middle, O=Outside'])
  })

  it('warns when the issuer is known nowhere', async () => {
    await office.request(pop3)
    await office.sign('stranger', 'certreq.txt', 'answer.pem')
    const { status, stderr } = await office.sealpost('cert', 'install', 'answer.pem')
    expect(status).toBe(0)
    expect(stderr).toMatch(/warning: the chain is incomplete: the issuer stranger/)
  })
})

describe('sealpost cert install refuses, with nothing changed,', () => {
  beforeAll(async () => {
    await office.request(imap4)
  })

  it('a key that matches no pending request, and says which there are', async () => {
    await office.openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'x.key',
      '-subj',
      '/CN=x',
      '-out',
      'x.csr',
    )
    await office.sign('root', 'x.csr', 'x.pem')
    expect(await office.refused('cert', 'install', 'x.pem')).toMatch(
      /issued to x has the key of no pending request; pending: "Default IMAP4/,
    )
    expect(await office.refused('cert', 'install', 'x.pem', '--for', smtp)).toContain('has no request pending')
  })

  it('a certificate that is installed already', async () => {
    writeFileSync(office.path('again.pem'), (await office.json<ShownCertificate>('cert', 'show', pop3)).certificatePem)
    expect(await office.refused('cert', 'install', 'again.pem')).toContain('installed already')
  })

  it('an expired one and one not yet valid, unless forced', async () => {
    const dates = ['-not_before', '20200101000000Z', '-not_after', '20200201000000Z']
    await office.sign('root', 'certreq.txt', 'old.pem', ...dates)
    expect(await office.refused('cert', 'install', 'old.pem')).toMatch(/expired on 2020-02-01/)
    await office.sign(
      'root',
      'certreq.txt',
      'early.pem',
      '-not_before',
      '20990101000000Z',
      '-not_after',
      '20990201000000Z',
    )
    expect(await office.refused('cert', 'install', 'early.pem')).toMatch(/not valid before 2099/)
  })

  it('a chain that does not build', async () => {
    await office.sign('middle', 'certreq.txt', 'answer.pem')
    await office.outsideAuthority('other')
    office.write('broken.pem', join('answer.pem', 'other.pem'))
    // The store knows `middle` by now; one that it does not know is needed.
    await office.outsideAuthority('deep', 'stranger')
    await office.sign('deep', 'certreq.txt', 'deep-leaf.pem')
    office.write('broken.pem', join('deep-leaf.pem', 'other.pem'))
    expect(await office.refused('cert', 'install', 'broken.pem')).toMatch(
      /chain does not build.*issued by deep.*holds other/,
    )
  })

  it('an issuer that is no authority', async () => {
    await office.openssl(
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'no.key',
      '-subj',
      '/CN=no',
      '-out',
      'no.csr',
    )
    await office.sign('root', 'no.csr', 'no.pem')
    await office.sign('no', 'certreq.txt', 'by-no.pem')
    office.write('by-no-chain.pem', join('by-no.pem', 'no.pem', 'root.pem'))
    expect(await office.refused('cert', 'install', 'by-no-chain.pem')).toMatch(/chain does not build/)
  })

  it.each([
    ['text', 'hello'],
    ['nothing', ''],
    ['a broken PEM', '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'],
    ['a request', undefined],
  ])('%s', async (_, content) => {
    office.write('junk.cer', content ?? office.text('certreq.txt'))
    expect(await office.refused('cert', 'install', 'junk.cer')).toMatch(/neither a certificate/)
  })

  it('a file that is not there', async () => {
    expect(await office.refused('cert', 'install', 'nothing.cer')).toMatch(/nothing\.cer cannot be read: no such file/)
  })

  it('and takes the expired one when forced', async () => {
    expect(await office.done('cert', 'install', 'old.pem', '--force')).toContain('installed on')
    expect(await office.json<ShownCertificate>('cert', 'show', imap4)).toMatchObject({ state: 'expired' })
    const { stderr } = await office.sealpost('cert', 'list')
    expect(stderr).toMatch(/Default IMAP4 Virtual Server: the certificate .* expired on 2020-02-01/)
  })
})
