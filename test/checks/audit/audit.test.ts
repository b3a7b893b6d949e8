import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { ImapFlow } from 'imapflow'
import nodemailer from 'nodemailer'
import { expect, it } from 'vitest'
import { badLab, badPorts } from '../../../src/checks/audit/lab.ts'
import { AuditError, auditClient, type Client, startLab } from '../../../src/testing/index.ts'
import { LineClient } from '../../support/line-client.ts'
import { isLong } from '../../support/long.ts'
import { needs } from '../../support/programs.ts'
import { readJunit, readSarif } from '../../support/report-formats.ts'
import { Workplace } from '../../support/sealpost.ts'
import { isThorough } from '../../support/thorough.ts'
import { acceptInjected } from './vulnerable-client.ts'

const workplace = new Workplace()
const runSealpost = (args: readonly string[]) => workplace.run(args)

/** Sends with nodemailer, which trusts the lab's root. */
const nodemailerClient: Client = async ({ address, port, form, hostname, user, password, ca }) => {
  const transport = nodemailer.createTransport({
    host: address,
    port,
    secure: form === 'implicit',
    requireTLS: true,
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
    host: address,
    port,
    secure: form === 'implicit',
    ...(form === 'starttls' ? { doSTARTTLS: true } : {}),
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
        host: address,
        port,
        secure: false,
        opportunisticTLS: true,
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
  expect(stripped?.sessions).toMatchObject([{ user: expect.stringMatching(/^alice-/), refusals: [] }])
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

it('a client that continues with injected replies is unsafe even if it fails in the end', async () => {
  const fails: Client = async (target, signal) => {
    await acceptInjected(target, signal)
    // It works with a good server.
    if (target.expectation === 'refuse') throw new Error('the farewell was odd')
  }
  const results = await auditClient(fails, { forms: ['starttls'], names: ['starttls-injection'], timeoutMs: 3_000 })
  const odd = { verdict: 'unsafe', reason: 'continued with the injected replies', detail: 'the farewell was odd' }
  expect(results).toMatchObject([odd, odd, odd, odd])
})

it('a client that only completes a handshake is not judged by injected replies', async () => {
  const handshake: Client = async ({ port, ca }) => {
    const client = await LineClient.greeted(port)
    client.send('STLS\r\n')
    await client.line()
    await client.startTls(ca)
    client.end()
    await client.rest()
  }
  const names = ['starttls-injection', 'p256']
  const results = await auditClient(handshake, { protocols: ['pop3'], forms: ['starttls'], names })
  expect(results.map(({ name, verdict }) => [name, verdict])).toEqual([
    ['p256', 'safe'],
    ['starttls-injection', 'untested'],
  ])
})

it('a client that accepts PREAUTH in clear text is unsafe', async () => {
  const results = await auditClient(
    async ({ port, ca, user, password }) => {
      const client = await LineClient.open(port)
      const isLoggedOn = (await client.line())?.startsWith('* PREAUTH ')
      const send = async (command: string): Promise<void> => {
        client.send(`${command}\r\n`)
        const line = (await client.lines((one) => one.startsWith(`${command.slice(0, 2)} `))).at(-1)
        if (!line?.includes(' OK ')) throw new Error(`${command}: ${line}`)
      }
      if (!isLoggedOn) {
        await send('A0 STARTTLS')
        await client.startTls(ca)
        await send(`A1 LOGIN ${user} ${password}`)
      }
      await send('A2 SELECT INBOX')
      await send('A3 LOGOUT')
    },
    { protocols: ['imap4'], forms: ['starttls'], names: ['preauth'] },
  )
  expect(results).toMatchObject([
    { verdict: 'unsafe', reason: 'sent in clear text: SELECT', sessions: [{ refusals: [] }] },
  ])
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
    const only = ['--protocol', 'imap4', '--form', 'implicit', '--server', 'expired', 'p256']
    const sarif = join(workplace.folder, 'audit.sarif')
    const reports = ['--json', '--junit', xml, '--sarif', sarif]
    const found = await runSealpost(['audit', ...only, ...reports, '--', ...careless])
    expect(found.status).toBe(1)
    expect(JSON.parse(found.stdout)).toMatchObject({ counts: { unsafe: 1, safe: 1 } })
    const { testsuite = [] } = await readJunit(readFileSync(xml, 'utf8'))
    expect(testsuite[0]?.testcase?.map(({ name, failure }) => [name, failure?.[0]?.type])).toEqual([
      ['expired', 'unsafe'],
      ['p256', undefined],
    ])
    const { runs } = readSarif(readFileSync(sarif, 'utf8'))
    expect(runs[0]?.results.map(({ level, ruleId }) => [level, ruleId])).toEqual([['error', 'expired']])
    const careful = [...careless, '-verify_return_error', '-verify_hostname', '{hostname}']
    const table = await runSealpost(['audit', ...only, '--', ...careful])
    expect(table.stdout).toMatch(/^safe +expired +imap4 +implicit +refuse +refused; exit status 1: /m)
    expect(table.status).toBe(0)
  },
)

/** A shell command for the handshake of implicit TLS, with the certificate verified. */
const HANDSHAKE =
  'openssl s_client -connect {address}:{port} -CAfile {caFile} -servername {hostname} -verify_return_error </dev/null'

it.runIf(needs('openssl'))('colours in a client’s output do not reach the JUnit XML', async () => {
  const report = join(workplace.folder, 'coloured.xml')
  const only = ['--protocol', 'imap4', '--form', 'implicit', '--server', 'p256']
  const refuses = 'printf "\\033[31m<no> & no\\033[0m\\n" >&2; [ {name} = control ] || exit 3'
  const client = ['sh', '-c', `${HANDSHAKE} >/dev/null 2>&1; ${refuses}`]
  expect((await runSealpost(['audit', ...only, '--junit', report, '--', ...client])).status).toBe(1)
  const { testsuite = [] } = await readJunit(readFileSync(report, 'utf8'))
  const [{ failure = [] } = {}] = testsuite[0]?.testcase ?? []
  expect(failure[0]?.message).toContain('refused a good server; exit status 3: <no> & no')
})

it.runIf(isThorough)('a client that leaves a process in another session behind ends at the timeout', async () => {
  const only = ['--protocol', 'imap4', '--form', 'implicit', '--server', 'p256']
  const found = await runSealpost(['audit', ...only, '--timeout', '1', '--', 'sh', '-c', 'setsid sleep 5 &'])
  expect(found).toMatchObject({ status: 1, stderr: expect.stringContaining('no result within 1000 ms') })
})

it('a command that cannot start is an error that names it', async () => {
  const found = await runSealpost(['audit', '--protocol', 'imap4', '--', 'no-such-program', '{port}'])
  expect(found).toEqual({
    status: 1,
    stdout: '',
    stderr: 'sealpost: cannot start the client "no-such-program": there is no such program; check its name and PATH\n',
  })
})

it('judges nothing if the client does not connect to a good server', async () => {
  const never = await runSealpost(['audit', '--protocol', 'smtp', 'imap4', '--', 'true'])
  expect(never).toMatchObject({ status: 1, stdout: '' })
  expect(never.stderr).toMatch(
    /^sealpost: nothing was judged, .*smtp starttls, .*: accepted, but it did not connect\..*\{port\}/,
  )
  const throws = auditClient(() => Promise.reject(new Error('not today')), { protocols: ['nntp'] })
  await expect(throws).rejects.toThrow('nntp starttls, nntp implicit: not today, but it did not connect')
  await expect(throws).rejects.toBeInstanceOf(AuditError)
})

it('says that the client must trust the root if it refuses a good server', async () => {
  const distrusts: Client = async ({ address, port, hostname }) => {
    await once(connect({ host: address, port, servername: hostname }), 'secureConnect')
  }
  const audit = auditClient(distrusts, { protocols: ['imap4'], forms: ['implicit'] })
  await expect(audit).rejects.toThrow(/the lab saw: TLS handshake: .* must trust the lab’s root, .*\{caFile\}/)
})

it.runIf(needs('openssl'))('tests the protocols that the client speaks in the control run', async () => {
  // It connects in the control run of IMAP4 only.
  const client = ['sh', '-c', `[ {protocol} = imap4 ] && ${HANDSHAKE}`]
  const found = await runSealpost([
    'audit',
    '--form',
    'implicit',
    '--server',
    'p256',
    'expired',
    '--json',
    '--',
    ...client,
  ])
  const { results, controls } = JSON.parse(found.stdout)
  expect(results).toMatchObject([
    {
      name: 'expired',
      protocol: 'imap4',
      verdict: 'safe',
      detail: expect.stringContaining('certificate verify failed'),
    },
    { name: 'p256', protocol: 'imap4', verdict: 'safe' },
  ])
  expect(controls).toMatchObject([
    { protocol: 'smtp', succeeded: false },
    { protocol: 'pop3', succeeded: false },
    { protocol: 'imap4', succeeded: true, detail: 'completed a handshake' },
    { protocol: 'nntp', succeeded: false },
  ])
  expect(found.status).toBe(0)
})

it.runIf(needs('openssl'))(
  'a client that connects only in the control run is untested, and the audit fails',
  async () => {
    const only = ['--protocol', 'imap4', '--form', 'implicit', '--server', 'p256', 'expired']
    const found = await runSealpost(['audit', ...only, '--', 'sh', '-c', `[ {name} != control ] || ${HANDSHAKE}`])
    expect(found.status).toBe(1)
    expect(found.stdout).toMatch(/^0 safe, 0 unsafe, 0 lax, 0 unable, 2 untested$/m)
    expect(found.stderr).toMatch(/^sealpost: nothing was tested: expired imap4 implicit: it did not connect /)
  },
)

it.runIf(needs('curl'))('names resolve with {resolve} of curl, and with {hostsFile}', async () => {
  const only = ['--json', '--protocol', 'pop3', '--form', 'implicit', '--server', 'wildcard', 'wrong-host']
  const curl = ['curl', '-sS', '--cacert', '{caFile}', '-u', '{user}:{password}']
  const url = 'pop3s://{hostname}:{port}/'
  const found = await runSealpost(['audit', ...only, '--', ...curl, '--resolve', '{resolve}', url])
  expect(JSON.parse(found.stdout)).toMatchObject({ counts: { safe: 2 } })
  const hosts = 'grep -q "^127.0.0.1 .*\\b$AUDIT_HOSTNAME\\b" {hostsFile} && exec "$@" --resolve "$AUDIT_RESOLVE"'
  const byScript = await runSealpost(['audit', ...only, '--', 'sh', '-c', hosts, 'sh', ...curl, url])
  expect(JSON.parse(byScript.stdout)).toMatchObject({ counts: { safe: 2 } })
})

it('reports wrong usage in one line', async () => {
  expect((await runSealpost(['audit'])).status).toBe(2)
  const unknown = await runSealpost(['audit', '--', 'true', '{hots}'])
  expect(unknown).toMatchObject({ status: 2, stderr: expect.stringContaining('unknown placeholder {hots}') })
})
