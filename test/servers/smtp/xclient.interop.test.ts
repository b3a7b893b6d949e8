import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import type { TestLab } from '../../../src/testing/test-lab.ts'
import { POSTFIX, startPostfix } from '../../checks/verify/debian/postfix.ts'
import { freePorts } from '../../support/free-ports.ts'
import { opensslCertificate } from '../../support/openssl.ts'
import { needs, needsFile } from '../../support/programs.ts'
import { NGINX, NGINX_MAIL, startNginxMail } from '../../support/proxies.ts'
import { runProgram } from '../../support/run-program.ts'

let lab: TestLab
beforeAll(async () => {
  lab = await startLab({
    directory: { accounts: [{ user: 'alice', password: 'secret' }] },
    virtualServers: [{ protocol: 'smtp', xclient: { from: ['127.0.0.1'] } }],
  })
})
afterAll(() => lab.stop())

test.skipIf(!needs('swaks'))('swaks names a client by XCLIENT', async () => {
  await lab.reset()
  const result = await runProgram('swaks', [
    ...['--server', '127.0.0.1', '--port', String(lab.server('smtp').port), '--ehlo', 'swaks.test'],
    ...['--from', 'bob@x.test', '--to', 'alice@lab.test'],
    ...['--xclient-addr', '192.0.2.7', '--xclient-name', 'client.test', '--xclient-login', 'alice'],
  ])
  expect(result.status, result.stdout + result.stderr).toBe(0)
  const [mail] = await lab.messages()
  expect(String(mail?.raw)).toMatch(/^Received: from swaks\.test \(client\.test \[192\.0\.2\.7\]\)\r\n.*with ESMTPA /m)
  expect(mail?.session).toMatchObject({ remoteAddress: '192.0.2.7', user: 'alice', proxy: { address: '127.0.0.1' } })
})

test.skipIf(!needs(NGINX, 'curl') || !needsFile(NGINX_MAIL))(
  'nginx, which has logged the client on, names it and its account by XCLIENT',
  async () => {
    await lab.reset()
    const [port = 0] = await freePorts(1)
    const { port: labPort } = lab.server('smtp')
    // nginx asks this for each client: it accepts the password, and names the server behind it.
    const auth = createServer((_, response) => {
      response.writeHead(200, { 'Auth-Status': 'OK', 'Auth-Server': '127.0.0.1', 'Auth-Port': String(labPort) }).end()
    })
    auth.listen(0, '127.0.0.1')
    await once(auth, 'listening')
    const authPort = (auth.address() as AddressInfo).port
    try {
      await using _ = await startNginxMail(
        `server_name localhost;
      auth_http 127.0.0.1:${authPort}/;
      smtp_auth plain;
      server { listen 127.0.0.1:${port}; protocol smtp; xclient on; }`,
        [port],
      )
      const result = await runProgram('curl', [
        ...['-sS', '--max-time', '60', '--interface', '127.0.0.7', '--user', 'alice:any'],
        ...[
          '--mail-from',
          'bob@x.test',
          '--mail-rcpt',
          'alice@lab.test',
          '--upload-file',
          '-',
          `smtp://127.0.0.1:${port}/curl.test`,
        ],
      ])
      expect(result.stderr).toBe('')
      const [mail] = await lab.messages()
      expect(String(mail?.raw)).toMatch(/^Received: from curl\.test \(\[127\.0\.0\.7\]\)\r\n.*with ESMTPA /m)
      expect(mail?.session).toMatchObject({ remoteAddress: '127.0.0.7', user: 'alice' })
    } finally {
      auth.close()
    }
  },
)

test.skipIf(!needs(POSTFIX, 'swaks') || process.getuid?.() !== 0)('Postfix names its client by XFORWARD', async () => {
  await lab.reset()
  const { privateKeyPem: key, certificatePem: cert } = opensslCertificate(['localhost'])
  const relay = `relayhost = [127.0.0.1]:${lab.server('smtp').port}\nsmtp_send_xforward_command = yes`
  await using postfix = await startPostfix({ key, cert }, relay)
  const result = await runProgram('swaks', [
    ...[
      '--server',
      '127.0.0.1',
      '--port',
      String(postfix.port),
      '--local-interface',
      '127.0.0.7',
      '--ehlo',
      'swaks.test',
    ],
    ...['--from', 'bob@x.test', '--to', 'alice@lab.test'],
  ])
  expect(result.status, result.stdout + result.stderr).toBe(0)
  const mail = await lab.waitForMessage({ to: 'alice' }, { timeout: 20_000 })
  expect(String(mail.raw)).toMatch(/^Received: from localhost \(\[127\.0\.0\.1\]\)/m)
  expect(String(mail.raw)).toMatch(/^Received: from swaks\.test \(unknown \[127\.0\.0\.7\]\)/m)
  expect(lab.sessions().at(-1)).toMatchObject({ remoteAddress: '127.0.0.7', proxy: { address: '127.0.0.1' } })
})
