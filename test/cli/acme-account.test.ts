import { beforeEach, expect, test } from 'vitest'
import { startAcme } from '../tls/pki/acme/support.ts'
import { CertificateLab, imap4, smtp } from './cert-support.ts'

let pki: CertificateLab
beforeEach(() => {
  pki = new CertificateLab()
})

test('cert acme-account rollover gives the account another key, and continues after an interruption', async () => {
  await using acme = await startAcme()
  pki.write('root.pem', acme.store.rootPem)
  await pki.done('ca', 'list')
  expect(await pki.refused('cert', 'acme-account', 'rollover')).toMatch(
    /no account at an ACME directory; cert issue --acme/,
  )
  const http = ['--http-address', '127.0.0.1', '--http-port', String(acme.httpPort), '--acme-ca', 'root.pem']
  const issue = (server: string) =>
    pki.done('cert', 'issue', '--for', server, '--cn', 'mail.lab.test', '--acme', acme.tlsDirectory, ...http)
  await issue(smtp)
  expect(await pki.json('cert', 'acme-account', 'list')).toEqual([{ directory: acme.tlsDirectory }])
  const key = (): string => (JSON.parse(pki.state) as { acmeKeys: { key: string }[] }).acmeKeys[0]?.key ?? ''
  const account = () => structuredClone(acme.store.index.acmeAccounts?.[0])
  const [oldKey, oldAccount, oldPem] = [key(), account(), pki.text(`certs/${key()}`)]
  expect(await pki.done('cert', 'acme-account', 'rollover', '--key', 'p384')).toBe(
    `The account at ${acme.tlsDirectory} has a new key.\n`,
  )
  expect(key()).not.toBe(oldKey)
  expect(account()?.id).toBe(oldAccount?.id)
  expect(account()?.jwk).toMatchObject({ crv: 'P-384' })
  await issue(imap4)
  await pki.done('cert', 'renew', '--for', smtp)
  expect(acme.store.index.acmeAccounts).toHaveLength(1)
  // The server knows the new key, and the lab has not noted that yet.
  const newKey = key()
  const index = JSON.parse(pki.state) as { revision: number; acmeKeys: object[] }
  pki.write(`certs/${oldKey}`, oldPem)
  index.acmeKeys = [{ directory: acme.tlsDirectory, key: oldKey, next: newKey }]
  pki.write('certs/store.json', JSON.stringify({ ...index, revision: index.revision + 1 }))
  await pki.done('cert', 'acme-account', 'rollover', acme.tlsDirectory)
  expect(key()).toBe(newKey)
  expect(account()?.jwk).toMatchObject({ crv: 'P-384' })
  const other = await pki.refused('cert', 'acme-account', 'rollover', 'https://acme.example.test/directory')
  expect(other).toContain(`it has accounts at ${acme.tlsDirectory}`)
})
