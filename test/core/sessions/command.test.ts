import { expect, it } from 'vitest'
import { LineClient } from '../../support/line-client.ts'
import { sClient } from '../../support/openssl.ts'
import { needs } from '../../support/programs.ts'
import { workplaceOfEach } from '../../support/sealpost.ts'

const place = workplaceOfEach()

it.skipIf(!needs('openssl'))('sealpost sessions lists all sessions, only failed ones, or one transcript', async () => {
  const certificates = 'certificates: { store: certs, key: p256 }'
  place.write('lab.yaml', `${certificates}\nvirtualServers: [{ protocol: pop3, port: 0, tlsPort: 0 }]\n`)
  await using lab = await place.start(['--config', 'lab.yaml'])
  const { port = 0, tlsPort } = lab.endpoint('pop3')
  const client = await LineClient.open(port)
  client.send('CAPA\r\nQUIT\r\n')
  await client.rest()
  await sClient(['-connect', `127.0.0.1:${tlsPort}`, '-verify_return_error'], 'QUIT\r\n')
  await lab.logged('handshake failed')

  const all = (await place.run(['sessions', '--config', 'lab.yaml'])).stdout.trim().split('\n')
  expect(all).toHaveLength(2)
  expect(all[0]).toMatch(/ pop3-1, Default POP3 Virtual Server from 127.0.0.1 port \d+, clear text, no log-on, /)
  const failed = (await place.run(['sessions', '--config', 'lab.yaml', '--failed'])).stdout.trim().split('\n')
  expect(failed).toEqual([all[1]])
  expect(failed[0]).toMatch(
    /, TLS not established, no log-on, handshake failed; refused: TLS handshake: the client does not trust the issuer \(alert 48\)/,
  )

  const one = (await place.run(['sessions', 'pop3-1', '--config', 'lab.yaml'])).stdout
  expect(one).toMatch(/^ +\d\.\d{3} \*S: \+OK Sealpost POP3 server ready/m)
  expect(one).toMatch(/^ +\d\.\d{3} \*C: CAPA$/m)
  const json = (await place.run(['sessions', 'pop3-2', '--config', 'lab.yaml', '--json'])).stdout
  const time = expect.stringMatching(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  expect(JSON.parse(json)).toMatchObject({
    startedAt: time,
    endedAt: time,
    hello: { versions: ['TLSv1.3', 'TLSv1.2'] },
    endCause: 'handshake failed',
    transcript: [{ at: time }, ...Array(JSON.parse(json).transcript.length - 1).fill({ at: time })],
  })
  expect(await place.run(['sessions', 'pop3-9', '--config', 'lab.yaml'])).toMatchObject({ status: 1, stdout: '' })
})
