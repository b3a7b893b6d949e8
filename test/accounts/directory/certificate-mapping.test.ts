import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { mappedAccount } from '../../../src/accounts/directory/certificate-mapping.ts'
import { startLab } from '../../../src/testing/start-lab.ts'
import { LineClient } from '../../support/line-client.ts'

const certificate = {
  issuer: 'CN=Partner Root, O=Partner',
  subject: 'CN=Zoe, OU=Sales, O=Partner',
  serialNumber: '0F2A',
}

test.each([
  [{ issuer: 'CN=Partner Root, O=Partner' }, true],
  [{ issuer: 'cn=partner root, o=partner' }, true],
  [{ issuer: '*O=Partner' }, true],
  [{ issuer: 'CN=Partner Root' }, false],
  [{ subject: 'CN=*, OU=Sales, *' }, true],
  [{ subject: 'CN=*, OU=Support, *' }, false],
  [{ issuer: '*O=Partner', subject: '*OU=Support*' }, false],
  [{ issuer: '*O=Partner', serialNumber: '0f:2a' }, true],
  [{ serialNumber: 'F2A' }, true],
  [{ serialNumber: 'F2A0' }, false],
] as const)('%j matches: %s', (rule, matches) => {
  expect(mappedAccount([{ account: 'alice', ...rule }], certificate)).toBe(matches ? 'alice' : undefined)
})

test.each([
  ['CN=*, OU=Sales, *', 'CN=Eve\\, OU=Sales, OU=Support, O=Partner', false],
  ['CN=*, OU=Sales, *', 'CN=Eve\\\\, OU=Sales, O=Partner', true],
  ['CN=Doe\\, *, OU=Sales', 'CN=Doe\\, Zoe, OU=Sales', true],
])('a comma inside a name separates nothing: %s, %s: %s', (subject, actual, matches) => {
  const found = mappedAccount([{ account: 'alice', subject }], { ...certificate, subject: actual })
  expect(found).toBe(matches ? 'alice' : undefined)
})

test('the first rule that matches counts', () => {
  const rules = [
    { account: 'bob', subject: '*OU=Support*' },
    { account: 'alice', subject: '*OU=Sales*' },
    { account: 'carol', subject: '*' },
  ]
  expect(mappedAccount(rules, certificate)).toBe('alice')
})

test('many client certificates log on to the account of their department, before the names in them', async () => {
  await using lab = await startLab({
    directory: {
      accounts: [
        { user: 'sales', password: 'secret' },
        { user: 'alice', password: 'secret' },
      ],
      certificateMapping: [{ subject: '*OU=Sales*', account: 'sales' }],
    },
    virtualServers: [{ protocol: 'imap4', clientCertificates: 'accept' }],
  })
  const logOn = async (commonName: string, organizationalUnit: string): Promise<string | undefined> => {
    const { pkcs12 } = await lab.authorities.issueUser({
      commonName,
      emails: ['alice@lab.test'],
      subject: { organizationalUnit },
    })
    const port = lab.server('imap4').tlsPort
    const identity = { pfx: pkcs12('pw'), passphrase: 'pw' }
    const socket = connect({ host: '127.0.0.1', port, ca: lab.ca, servername: 'localhost', ...identity })
    await once(socket, 'secureConnect')
    const client = new LineClient(socket)
    await client.line()
    client.send('a AUTHENTICATE EXTERNAL =\r\n')
    expect(await client.line()).toMatch(/^a OK/)
    client.destroy()
    return lab.sessions().at(-1)?.user
  }
  expect(await logOn('Zoe', 'Sales')).toBe('sales')
  expect(await logOn('Yves', 'Sales')).toBe('sales')
  expect(await logOn('Alice', 'Support')).toBe('alice')
})
