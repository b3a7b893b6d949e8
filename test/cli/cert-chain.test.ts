import { beforeAll, describe, expect, it } from 'vitest'
import { CertificateLab, imap4, pop3, smtp } from './cert-support.ts'

const pki = new CertificateLab()

await pki.outsideAuthority('world')
await pki.outsideAuthority('middle', 'world')
await pki.outsideAuthority('low', 'middle')

/** Requests a certificate and lets the lowest authority sign it. */
async function answered(server: string): Promise<void> {
  await pki.request(server)
  await pki.sign('low', 'certreq.txt', 'answer.pem')
}

const together = (name: string, ...files: readonly string[]): void =>
  void pki.write(name, files.map((file) => pki.text(file)).join(''))

const chainOf = async (server: string): Promise<readonly string[]> => (await pki.certificateOf(server)).chain

describe('a missing intermediate certificate', () => {
  it('comes later with the same certificate: cert install completes the chain, and says where it leads', async () => {
    await answered(imap4)
    const first = await pki.sealpost('cert', 'install', 'answer.pem')
    expect(first.stderr).toContain('the certificate has an incomplete chain: low is not known here')
    const { thumbprint } = await pki.certificateOf(imap4)
    expect(await chainOf(imap4)).toEqual([])
    expect(await pki.refused('cert', 'install', 'answer.pem')).toContain(
      `the certificate is already in the store as "${imap4}" (thumbprint ${thumbprint})`,
    )
    together('half.pem', 'answer.pem', 'low.pem')
    expect(await pki.done('cert', 'install', 'half.pem')).toContain(`"${imap4}"; its chain now reaches middle.`)
    expect(await chainOf(imap4)).toEqual(['CN=low, O=Outside'])
    together('whole.pem', 'answer.pem', 'low.pem', 'middle.pem', 'world.pem')
    expect(await pki.done('cert', 'install', 'whole.pem')).toContain('its chain now reaches world.')
    expect(await chainOf(imap4)).toEqual(['CN=low, O=Outside', 'CN=middle, O=Outside'])
    expect((await pki.certificateOf(imap4)).thumbprint).toBe(thumbprint)
    expect(await pki.refused('cert', 'install', 'whole.pem')).toContain(`already in the store as "${imap4}"`)
    // A later certificate of the authority is complete from the beginning.
    await answered(pop3)
    expect(await pki.done('cert', 'install', 'answer.pem')).toContain('is installed on')
    expect(await chainOf(pop3)).toEqual(['CN=low, O=Outside', 'CN=middle, O=Outside'])
  })
})

describe('in a store that does not know the authorities', { shuffle: false }, () => {
  const other = new CertificateLab()
  beforeAll(async () => {
    for (const name of ['world', 'middle', 'low']) {
      other.write(`${name}.pem`, pki.text(`${name}.pem`))
      other.write(`${name}.key`, pki.text(`${name}.key`))
    }
  })

  it('cert import completes the chain, and assigns the certificate', async () => {
    await other.openssl(
      'req',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'own.key',
      '-subj',
      '/CN=localhost',
      '-out',
      'certreq.txt',
    )
    await other.sign('low', 'certreq.txt', 'answer.pem')
    await other.done('cert', 'import', 'answer.pem', '--key', 'own.key', '--name', 'Own')
    expect(await other.refused('cert', 'import', 'answer.pem', '--key', 'own.key')).toContain(
      'already in the store as "Own"',
    )
    other.write('half.pem', other.text('answer.pem') + other.text('low.pem'))
    const done = await other.done('cert', 'import', 'half.pem', '--key', 'own.key', '--for', smtp)
    expect(done).toBe('The certificate was in the store already as "Own"; its chain now reaches middle.\n')
    expect((await other.certificateOf(smtp)).friendlyName).toBe('Own')
  })

  it('ca add-trusted takes the intermediate, says which chains it completes, and can take it back', async () => {
    expect(await other.done('ca', 'add-trusted', 'middle.pem')).toBe(
      'The lab now knows the intermediate authority "middle", which completes the chain of "Own".\n',
    )
    expect((await other.certificateOf(smtp)).chain).toEqual(['CN=low, O=Outside', 'CN=middle, O=Outside'])
    expect(await other.json('ca', 'list-trusted')).toMatchObject([{ kind: 'intermediate', name: 'middle' }])
    expect(await other.done('ca', 'remove-trusted', 'middle')).toBe('Removed the intermediate authority of "middle".\n')
    expect((await other.certificateOf(smtp)).chain).toEqual(['CN=low, O=Outside', 'CN=middle, O=Outside'])
  })
})

describe('a file whose authorities are not those of the certificate', () => {
  const wrong = new CertificateLab()

  it('tells a wrong issuer and a wrong signature apart', async () => {
    await wrong.outsideAuthority('world')
    await wrong.outsideAuthority('stranger')
    await wrong.request(imap4)
    await wrong.sign('world', 'certreq.txt', 'answer.pem')
    wrong.write('issuer.pem', wrong.text('answer.pem') + wrong.text('stranger.pem'))
    expect(await wrong.refused('cert', 'install', 'issuer.pem')).toMatch(
      /the issuer is wrong: localhost was issued by world, but the file contains stranger/,
    )
    // Another authority of the same name.
    await wrong.outsideAuthority('world')
    wrong.write('signature.pem', wrong.text('answer.pem') + wrong.text('world.pem'))
    expect(await wrong.refused('cert', 'install', 'signature.pem')).toMatch(
      /the signature of localhost is wrong: it names world as its issuer, but the key of world in the file did not sign it/,
    )
  })
})

it('imports a certificate with the new root of an authority and that which the old key signed', async () => {
  const lab = new CertificateLab()
  await lab.outsideAuthority('world')
  lab.write('old.pem', lab.text('world.pem'))
  lab.write('old.key', lab.text('world.key'))
  await lab.outsideAuthority('world')
  const signer = ['-CA', 'old.pem', '-CAkey', 'old.key', '-days', '30', '-extfile', 'world.ext']
  await lab.openssl('x509', '-req', '-in', 'world.csr', ...signer, '-out', 'link.pem')
  await lab.opensslRequest('localhost', { key: 'own.key', out: 'own.csr' })
  await lab.sign('world', 'own.csr', 'own.pem')
  for (const issuers of [
    ['link.pem', 'world.pem'],
    ['world.pem', 'link.pem'],
  ]) {
    lab.write('all.pem', ['own.pem', ...issuers].map((file) => lab.text(file)).join(''))
    await lab.done('cert', 'import', 'all.pem', '--key', 'own.key', '--name', 'Own')
    await lab.done('cert', 'delete', 'Own')
  }
})
