import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ImapFlow } from 'imapflow'
import nodemailer from 'nodemailer'
import { afterAll, expect, it } from 'vitest'
import { badLab, badPorts } from '../../src/audit/lab.ts'
import { badmailYaml } from '../../src/audit/yaml.ts'
import { auditClient, type Client, startLab } from '../../src/index.ts'
import { LineClient } from '../support/line-client.ts'
import { isLong } from '../support/long.ts'
import { needs } from '../support/programs.ts'
import { Workplace } from '../support/sealpost.ts'
import { acceptInjected } from './vulnerable-client.ts'

const workplace = new Workplace()
afterAll(() => workplace.remove())
const runSealpost = (args: readonly string[]) => workplace.run(args)

/** Sends with nodemailer, which trusts the lab's root. */
const nodemailerClient: Client = async ({ address, port, form, hostname, user, password, ca }) => {
  const transport = nodemailer.createTransport({
    ...{ host: address, port, secure: form === 'implicit', requireTLS: true },
    auth: { user, pass: password },
    tls: { ca, servername: hostname },
    connectionTimeout: 3_000,
    greetingTimeout: 3_000,
    socketTimeout: 4_000,
  })
  await transport.sendMail({ from: 'alice@lab.test', to: 'alice@lab.test', subject: 'audit', text: 'hello' })
}

const imapflowClient: Client = async ({ address, port, form, hostname, user, password, ca }) => {
  const client = new ImapFlow({
    ...{ host: address, port, secure: form === 'implicit', ...(form === 'starttls' ? { doSTARTTLS: true } : {}) },
    auth: { user, pass: password },
    tls: { ca, servername: hostname },
    logger: false,
    greetingTimeout: 3_000,
    socketTimeout: 4_000,
  })
  client.on('error', () => {})
  await client.connect()
  await client.logout()
}

const names = ['expired', 'wrong-host', 'self-signed', 'untrusted-root', 'starttls-stripped', 'starttls-fails', 'p256']

it('a client that verifies certificates is safe, and the result has its sessions', async () => {
  const results = await auditClient(nodemailerClient, { protocols: ['smtp'], names })
  expect(results.filter(({ verdict }) => verdict !== 'safe')).toEqual([])
  expect(results).toHaveLength(12)
  const good = results.find(({ name, form }) => name === 'p256' && form === 'starttls')
  expect(good).toMatchObject({
    accepted: true,
    sessions: [{ user: expect.stringMatching(/^alice-/), tls: { version: 'TLSv1.3' } }],
  })
})

it('a client that continues in clear text is unsafe', async () => {
  const results = await auditClient(
    async ({ address, port, hostname, user, password, ca }) => {
      const transport = nodemailer.createTransport({
        ...{ host: address, port, secure: false, opportunisticTLS: true },
        auth: { user, pass: password },
        tls: { ca, servername: hostname },
      })
      await transport.sendMail({ from: 'alice@lab.test', to: 'alice@lab.test', text: 'hello' })
    },
    { protocols: ['smtp'], forms: ['starttls'], names: ['starttls-stripped', 'starttls-fails', 'p256'] },
  )
  expect(Object.fromEntries(results.map(({ name, verdict }) => [name, verdict]))).toMatchObject({
    p256: 'safe',
    'starttls-stripped': 'unsafe',
  })
  const stripped = results.find(({ name }) => name === 'starttls-stripped')
  expect(stripped?.sessions).toEqual([{ user: expect.stringMatching(/^alice-/), refusals: [] }])
})

it('a client that accepts replies from before TLS is unsafe', async () => {
  const results = await auditClient(acceptInjected, {
    forms: ['starttls'],
    names: ['starttls-injection'],
    timeoutMs: 3_000,
  })
  expect(results.map(({ protocol, verdict }) => [protocol, verdict])).toEqual([
    ['smtp', 'unsafe'],
    ['pop3', 'unsafe'],
    ['imap4', 'unsafe'],
    ['nntp', 'unsafe'],
  ])
})

it('a client that accepts PREAUTH in clear text is unsafe', async () => {
  const results = await auditClient(
    async ({ port }) => {
      const client = await LineClient.open(port)
      expect(await client.line()).toMatch(/^\* PREAUTH /)
      for (const command of ['A1 SELECT INBOX', 'A2 LOGOUT']) {
        client.send(`${command}\r\n`)
        let line = await client.line()
        while (line !== undefined && !line.startsWith(command.slice(0, 3))) line = await client.line()
        if (!line?.includes(' OK ')) throw new Error(`${command}: ${line}`)
      }
    },
    { protocols: ['imap4'], forms: ['starttls'], names: ['preauth'] },
  )
  expect(results).toMatchObject([{ verdict: 'unsafe', sessions: [{ refusals: [] }] }])
})

it('one lab can run every bad server', { timeout: 120_000 }, async () => {
  // Without SEALPOST_LONG: one protocol, and not the RSA key of 8,192 bits, which takes seconds to generate.
  const ports = badPorts.filter(({ protocol, name }) => isLong || (protocol === 'imap4' && name !== 'rsa-8192'))
  await using lab = await startLab(badLab(ports, () => 0))
  for (const { virtualServer, form } of ports) {
    const server = lab.server(virtualServer)
    expect(form === 'implicit' ? server.tlsPort : server.port, virtualServer).toBeGreaterThan(0)
  }
})

it('imapflow is safe against the faulty IMAP4 servers', async () => {
  // These two take seconds: one never answers, one waits before the handshake.
  const slow = isLong ? ['starttls-injection', 'slow-handshake'] : []
  const names = ['preauth', 'handshake-alert', 'null-suites', 'tls-1.0-only', ...slow]
  const results = await auditClient(imapflowClient, { protocols: ['imap4'], names, timeoutMs: 6_000 })
  expect(results.filter(({ verdict }) => verdict !== 'safe')).toEqual([])
})

it.runIf(needs('openssl'))(
  'sealpost audit runs a program and reports as table, JSON, JUnit XML and exit status',
  async () => {
    const xml = join(workplace.folder, 'audit.xml')
    // Without options, s_client accepts every certificate.
    const careless = [
      'openssl',
      's_client',
      '-connect',
      '{address}:{port}',
      '-CAfile',
      '{caFile}',
      '-servername',
      '{hostname}',
    ]
    const only = ['--protocol', 'imap4', '--form', 'implicit', '--only', 'expired', 'p256']
    const found = await runSealpost(['audit', ...only, '--json', '--junit', xml, '--', ...careless])
    expect(found.status).toBe(1)
    expect(JSON.parse(found.stdout)).toMatchObject({ counts: { unsafe: 1, safe: 1 } })
    expect(readFileSync(xml, 'utf8')).toContain('<failure type="unsafe"')
    const careful = [...careless, '-verify_return_error', '-verify_hostname', '{hostname}']
    const table = await runSealpost(['audit', ...only, '--', ...careful])
    expect(table.stdout).toMatch(/^safe +expired +imap4 +implicit +refuse +exit status 1/m)
    expect(table.status).toBe(0)
  },
)

it.runIf(needs('python3'))('control characters in a client’s output do not break the JUnit XML', async () => {
  const report = join(workplace.folder, 'coloured.xml')
  const only = ['--protocol', 'imap4', '--form', 'implicit', '--only', 'p256']
  const coloured = ['sh', '-c', 'printf "\\033[31m<no> & no\\033[0m\\n"; exit 3']
  expect((await runSealpost(['audit', ...only, '--junit', report, '--', ...coloured])).status).toBe(1)
  const script = 'import xml.etree.ElementTree as t, sys; print(t.parse(sys.argv[1]).find(".//failure").get("message"))'
  const parsed = execFileSync('python3', ['-c', script, report], { encoding: 'utf8' })
  expect(parsed).toContain('exit status 3: \ufffd[31m<no> & no')
})

it('a client that leaves a process in another session behind ends at the timeout', async () => {
  const only = ['--protocol', 'imap4', '--form', 'implicit', '--only', 'p256']
  const found = await runSealpost(['audit', ...only, '--json', '--timeout', '1', '--', 'sh', '-c', 'setsid sleep 5 &'])
  expect(found).toMatchObject({ status: 1, stderr: '' })
  expect(JSON.parse(found.stdout)).toMatchObject({
    results: [{ name: 'p256', detail: 'no result within 1000 ms' }],
  })
})

it('reports wrong usage in one line', async () => {
  expect((await runSealpost(['audit'])).status).toBe(2)
  const unknown = await runSealpost(['audit', '--', 'true', '{hots}'])
  expect(unknown).toMatchObject({ status: 2, stderr: expect.stringContaining('unknown placeholder {hots}') })
})

it('config/badmail.yaml is up to date', () => {
  const file = readFileSync(new URL('../../config/badmail.yaml', import.meta.url), 'utf8')
  expect(file, 'run `npm run config:reference`').toBe(badmailYaml())
})
