import { once } from 'node:events'
import { connect } from 'node:tls'
import { expect, test } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { LineClient } from '../../support/line-client.ts'

test('RFC 4643, RFC 4422: SASL EXTERNAL logs on as the account that the client certificate names', async () => {
  await using lab = await startLab({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [
      { protocol: 'nntp', clientCertificates: 'accept', access: 'authenticated', authentication: ['anonymous'] },
    ],
  })
  const { pkcs12 } = await lab.authorities.issueUser({ commonName: 'Alice', emails: ['alice@lab.test'] })
  const open = async (certificate?: { pfx: Buffer; passphrase: string }): Promise<LineClient> => {
    const port = lab.server('nntp').tlsPort
    const socket = connect({ host: '127.0.0.1', port, ca: lab.ca, servername: 'localhost', ...certificate })
    await once(socket, 'secureConnect')
    const client = new LineClient(socket)
    await client.play('S: 20* *')
    return client
  }
  const alice = await open({ pfx: pkcs12('pw'), passphrase: 'pw' })
  alice.send('CAPABILITIES\r\n')
  const capabilities = await alice.lines((line) => line === '.')
  expect(capabilities).toContain('AUTHINFO SASL')
  expect(capabilities).toContain('SASL EXTERNAL')
  await alice.play(
    'C: LIST\nS: 480 *\nC: AUTHINFO USER alice\nS: 502 *\nC: AUTHINFO SASL EXTERNAL =\nS: 281 *\nC: LIST\nS: 215 *',
  )
  alice.destroy()
  expect(lab.sessions().at(-1)?.user).toBe('alice')

  using nobody = await open()
  await nobody.play('C: AUTHINFO SASL EXTERNAL =\nS: 502 *')
})
