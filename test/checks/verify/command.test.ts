import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it } from 'vitest'
import { readJunit, readSarif } from '../../support/report-formats.ts'
import { runProgram } from '../../support/run-program.ts'
import { mainFile, workplaceOfEach } from '../../support/sealpost.ts'
import { isThorough } from '../../support/thorough.ts'
import { TestAuthority } from './authority.ts'
import { startDouble } from './double.ts'

const place = workplaceOfEach()

const strict = new URL('../../../config/strict.yaml', import.meta.url)

/** Writes config/strict.yaml with free ports. */
function strictLab(): string {
  const text = readFileSync(strict, 'utf8')
    .replaceAll(/- protocol: (pop3|imap4|nntp)$/gm, '$&\n    tlsPort: 0')
    .replaceAll(/- protocol: (smtp|pop3|imap4)$/gm, '$&\n    port: 0')
    .replace('certificates: ../certs', 'certificates: { store: certs, key: p256 }')
  return place.write('strict.yaml', text)
}

interface Answer {
  readonly ok: boolean
  readonly verdict: string
  readonly endpoints: readonly {
    readonly name: string
    readonly port: number
    readonly checks: readonly { readonly check: string; readonly outcome: string; readonly words: string }[]
  }[]
}

describe('sealpost verify', () => {
  it('passes every check on config/strict.yaml, and sends and reads a message and an article', async () => {
    const config = strictLab()
    await using _lab = await place.start(['--config', config])
    const { status, stdout, stderr } = await place.run(['verify', '--config', config, '--user', 'alice', '-v'])
    expect([status, stderr]).toEqual([0, ''])
    const lines = stdout.split('\n')
    expect(lines.at(-2)).toMatch(/^no check failed: \d+ checks passed$/)
    const wire = lines.filter((line) => line.includes('send and read'))
    expect(wire).toHaveLength(6)
    for (const line of wire)
      expect(line).toMatch(/^ {2}pass .*encrypted on the wire: the text is not among the \d+ octets captured/)
    // SMTP, POP3 and IMAP4 each refuse log-on in clear text.
    expect(stdout.match(/pass {2}clear-text log-on +refused before the password is checked/g)).toHaveLength(3)
  })

  it('prints JSON, writes JUnit XML, and runs only the checks of --check', async () => {
    const config = strictLab()
    await using _lab = await place.start(['--config', config])
    const report = join(place.folder, 'report.xml')
    const only = ['--check', 'chain', 'versions', '--protocol', 'imap4']
    const { status, stdout } = await place.run(['verify', '--config', config, '--json', '--junit', report, ...only])
    const answer = JSON.parse(stdout) as Answer
    expect([status, answer.ok]).toEqual([0, true])
    expect(answer.endpoints.map(({ name, checks }) => [name, checks.map(({ check }) => check)])).toEqual([
      ['Default IMAP4 Virtual Server', ['chain', 'versions']],
      ['Default IMAP4 Virtual Server', ['chain', 'versions']],
    ])
    const { testsuite = [] } = await readJunit(readFileSync(report, 'utf8'))
    expect(testsuite.map(({ testcase }) => testcase?.map(({ name }) => name))).toEqual([
      ['chain', 'versions'],
      ['chain', 'versions'],
    ])
  })

  it('exits with status 1 if a lab breaks a promise of its file, and names it in the last line', async () => {
    const open = 'certificates: { store: certs, key: p256 }\nvirtualServers: [{ protocol: smtp, port: 0 }]\n'
    const config = place.write('lab.yaml', open)
    await using _lab = await place.start(['--config', config])
    place.write('lab.yaml', open.replace('port: 0', 'port: 0, requireSecureChannel: true'))
    const { status, stdout } = await place.run(['verify', '--config', config])
    expect(status).toBe(1)
    expect(stdout.split('\n').at(-2)).toMatch(
      /^failed: Default SMTP Virtual Server, port \d+: require secure channel: MAIL FROM:<> in clear text is answered with 250 .*, not 530 .* \(and \d more\)$/,
    )
    expect(stdout).toMatch(/FAIL {2}clear-text log-on {7}the server accepts AUTH PLAIN, AUTH LOGIN in clear text/)
  })

  it('says that no lab is running', async () => {
    const config = place.write('lab.yaml', 'virtualServers: [{ protocol: pop3, port: 1, tlsPort: off }]\n')
    const { status, stderr } = await place.run(['verify', '--config', config])
    expect([status, stderr]).toEqual([1, expect.stringContaining('no lab of this configuration is running')])
  })

  it.runIf(isThorough)('suggests --tls if a port with implicit TLS is silent', async () => {
    const authority = await TestAuthority.create()
    await using double = await startDouble('pop3', await authority.issue(), { implicitTls: true })
    const host = ['verify', '127.0.0.1', '--protocol', 'pop3', '--port', String(double.port), '--timeout', '1']
    const { stdout } = await place.run([...host, '--starttls', '--check', 'greeting'])
    expect(stdout).toContain('no answer within 1 s; if the port uses TLS from the first octet, check it with --tls')
  })

  it.runIf(isThorough)('examines HTTP virtual servers', async () => {
    const config = place.write(
      'lab.yaml',
      'certificates: { store: certs, key: p256 }\nvirtualServers: [{ protocol: http, port: 0, tlsPort: 0, requireSecureChannel: true, authentication: [basic] }]\n',
    )
    await using lab = await place.start(['--config', config])
    const { port, tlsPort } = lab.endpoint('http')
    const { status, stdout } = await place.run(['verify', '--config', config, '--protocol', 'http'])
    expect(stdout.split('\n')).toEqual([
      expect.stringMatching(
        new RegExp(
          `^Default HTTP Virtual Server, port ${port} \\(HTTP at 127.0.0.1, clear text\\): 5 passed, \\d+ not tested$`,
        ),
      ),
      expect.stringMatching(
        new RegExp(
          `^Default HTTP Virtual Server, port ${tlsPort} \\(HTTP at 127.0.0.1, implicit TLS\\): 31 passed, \\d not tested$`,
        ),
      ),
      'no check failed: 36 checks passed',
      '',
    ])
    expect(status).toBe(0)
  })

  it('prints only warnings and failures, each once, below a heading per port with counts', async () => {
    const authority = await TestAuthority.create()
    await using double = await startDouble('pop3', await authority.issue({ to: 10 }), { clearLogOn: 'announced' })
    const host = ['verify', '127.0.0.1', '--protocol', 'pop3', '--port', String(double.port)]
    const names = ['--ca', place.write('ca.pem', authority.rootPem), '--server-name', 'localhost']
    const only = ['--check', 'reachable', 'names', 'dates', 'log-on', 'second-starttls']
    const { stdout } = await place.run([...host, ...names, ...only])
    expect(stdout.split('\n')).toEqual([
      `127.0.0.1, port ${double.port} (POP3 at 127.0.0.1, STLS): 3 passed, 1 failed, 1 warning`,
      expect.stringMatching(/^ {2}warn {2}certificate dates {2}localhost is valid until .*, 9 days left$/),
      expect.stringMatching(/^ {2}FAIL {2}clear-text log-on {2}the server accepts USER in clear text/),
      expect.stringMatching(/^failed: 127.0.0.1, port \d+: clear-text log-on: /),
      '',
    ])
  })

  it.runIf(isThorough)('stays out of the session records and the log of a running lab', async () => {
    const config = strictLab()
    await using lab = await place.start(['--config', config])
    const verified = await place.run(['verify', '--config', config, '--user', 'alice', '--check', 'tls', 'delivery'])
    expect(verified.status).toBe(0)
    const client = connect(lab.endpoint('smtp').port ?? 0, '127.0.0.1')
    client.once('data', () => client.end('QUIT\r\n'))
    await lab.logged('session ended')
    expect((await place.run(['sessions', '--config', config])).stdout.trimEnd().split('\n')).toEqual([
      expect.stringMatching(/^20\S+Z smtp-\d+, .* clear text/),
    ])
    expect(lab.stderr.join('').match(/session ended/g)).toHaveLength(1)
  })

  it.runIf(isThorough)('announces itself to virtual servers that take this machine for a proxy', async () => {
    const servers = [
      '{ protocol: pop3, port: 0, tlsPort: 0',
      '{ protocol: http, port: 0, tlsPort: 0, authentication: [basic]',
    ]
    const list = servers.map((server) => `  - ${server}, proxyProtocol: { from: [127.0.0.0/8] } }\n`).join('')
    const config = place.write('lab.yaml', `certificates: { store: certs, key: p256 }\nvirtualServers:\n${list}`)
    await using _ = await place.start(['--config', config])
    const { status, stdout } = await place.run(['verify', '--config', config, '--check', 'tls', 'versions'])
    expect(stdout).toMatch(/^no check failed: 6 checks passed$/m)
    expect(status).toBe(0)
  })

  it('colours the report and shows progress on a terminal only, and respects NO_COLOR', async () => {
    const authority = await TestAuthority.create()
    await using double = await startDouble('pop3', await authority.issue({ to: 10 }))
    const ca = place.write('ca.pem', authority.rootPem)
    const host = `127.0.0.1 --protocol pop3 --port ${double.port} --ca ${ca} --server-name localhost --check dates -v`
    const terminal = (variables: string) =>
      runProgram('script', ['-qec', `env -u CI ${variables} node ${mainFile} verify ${host}`, '/dev/null'])
    const coloured = (await terminal('TERM=xterm')).stdout
    expect(coloured).toContain('\x1b[33m  warn  certificate dates')
    expect(coloured).toContain('1 checks done; last: 127.0.0.1')
    expect((await terminal('NO_COLOR=1 TERM=xterm')).stdout).not.toMatch(/\x1b\[\d/)
  })

  it.runIf(isThorough)('--watch prints the report, then only what changes, and exits by the last verdict', async () => {
    const text = 'certificates: certs\nvirtualServers: [{ protocol: pop3, port: 0, tlsPort: off }]\n'
    const config = place.write('lab.yaml', text)
    await using _lab = await place.start(['--config', config])
    const watch = ['verify', '--config', config, '--check', 'log-on', 'names', '--watch', '--interval', '0.2']
    const child = spawn(process.execPath, [mainFile, ...watch], { env: place.environment() })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const next = async (): Promise<string> => String((await lines.next()).value)
    expect(await next()).toMatch(/^Default POP3 .*: 1 passed, 1 warning$/)
    expect(await next()).toMatch(/^ {2}warn {2}clear-text log-on {2}USER, AUTH PLAIN accepted/)
    expect(await next()).toBe('no check failed: 1 check passed, 1 warning')
    // A mistake in the edited file does not end the watch.
    place.write('lab.yaml', text.replace('pop3', 'pop33'))
    expect((await once(child.stderr, 'data')).toString()).toMatch(/lab.yaml:2:/)
    place.write('lab.yaml', text.replace('port: 0', 'port: 0, requireSecureChannel: true'))
    expect(await next()).toMatch(/^20\S+Z {2}Default POP3 .*: clear-text log-on: FAIL \(was warn\): /)
    expect(await next()).toMatch(/^20\S+Z {2}failed: Default POP3 Virtual Server, port \d+: clear-text log-on: /)
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([1, null])
  })

  it('writes SARIF 2.1.0, which its schema allows, with a result per warning and failure', async () => {
    const authority = await TestAuthority.create()
    await using double = await startDouble('pop3', await authority.issue({ to: 10 }), { clearLogOn: 'announced' })
    const file = join(place.folder, 'report.sarif')
    const host = ['verify', '127.0.0.1', '--protocol', 'pop3', '--port', String(double.port), '--sarif', file]
    const ca = ['--ca', place.write('ca.pem', authority.rootPem), '--server-name', 'localhost']
    await place.run([...host, ...ca, '--check', 'names', 'dates', 'log-on'])
    const { version, runs } = readSarif(readFileSync(file, 'utf8'))
    const [run] = runs
    expect([version, runs.length, run?.tool.driver.name]).toEqual(['2.1.0', 1, 'sealpost verify'])
    const rules = run?.tool.driver.rules.map(({ id }) => id) ?? []
    expect(run?.results.map((one) => [one.level, one.ruleId, rules[one.ruleIndex]])).toEqual([
      ['warning', 'dates', 'dates'],
      ['error', 'log-on', 'log-on'],
    ])
    const places = run?.results.map(({ locations }) => locations[0]?.physicalLocation.artifactLocation.uri)
    expect(new Set(places)).toEqual(new Set([`pop3://127.0.0.1:${double.port}`]))
  })

  it.runIf(isThorough)('detects unencrypted octets: a lab with NULL suites', async () => {
    const server = 'port: 0, tls: { maxVersion: TLSv1.2, ciphers: "NULL-SHA256:@SECLEVEL=0" }'
    const accounts = 'directory: { accounts: [{ user: alice, password: secret-word }] }\n'
    const servers = `virtualServers: [{ protocol: smtp, ${server} }, { protocol: imap4, ${server}, tlsPort: off }]\n`
    const config = place.write('lab.yaml', `certificates: certs\n${accounts}${servers}`)
    await using _lab = await place.start(['--config', config])
    const run = ['verify', '--config', config, '--user', 'alice', '--check', 'negotiated', 'delivery', '--json']
    const { status, stdout } = await place.run(run)
    const words = (JSON.parse(stdout) as Answer).endpoints.flatMap(({ checks }) => checks.map((one) => one.words))
    expect(status).toBe(1)
    expect(words).toEqual([
      expect.stringMatching(/TLS_RSA_WITH_NULL_SHA256, 0 bits.*: no encryption$/),
      expect.stringMatching(/^sent as .*, but the text of the message crossed the wire unencrypted/),
      expect.stringMatching(/TLS_RSA_WITH_NULL_SHA256, 0 bits/),
      expect.stringMatching(/^read back by IMAP4, but the text of the message crossed the wire unencrypted/),
    ])
    expect(stdout).not.toContain('secret-word')
  })

  it.runIf(isThorough)('verifies any host with the roots of --ca and the name of --server-name', async () => {
    const authority = await TestAuthority.create()
    await using double = await startDouble('pop3', await authority.issue({ names: ['mail.test'] }))
    const ca = place.write('ca.pem', authority.rootPem)
    const host = ['verify', '127.0.0.1', '--protocol', 'pop3', '--port', String(double.port)]
    const trusted = await place.run([...host, '--ca', ca, '--server-name', 'mail.test'])
    expect([trusted.status, trusted.stderr]).toEqual([0, ''])
    const untrusted = await place.run([...host, '--server-name', 'mail.test'])
    expect(untrusted.status).toBe(1)
    expect(untrusted.stdout.split('\n').at(-2)).toBe(
      `failed: 127.0.0.1, port ${double.port}: certificate chain: not trusted: Test Root issued Test Intermediate; it is not among the trusted roots, and the server does not send its certificate`,
    )
  })

  it('reports wrong usage in one line', async () => {
    const cases: [string[], RegExp][] = [
      [['verify', 'localhost', '--port', '25'], /--port needs exactly one protocol; add --protocol NAME/],
      [['verify', '--port', '25'], /--port works only with a host; add the host, or leave out --port/],
      [['verify', 'localhost', '--protocol', 'smtp', '--port', 'x'], /--port: is .*; must be a number from 1 to 65535/],
      [
        ['verify', 'localhost', '--protocol', 'smtp', '--user', 'alice'],
        /--user needs a password; give --password or --password-file/,
      ],
      [['verify', 'localhost', '--check', 'everything'], /--check: is "everything"; must be reachable, greeting, tls/],
      [['verify', 'localhost', '--resolver', 'dns.example'], /write an IP address, with a port if it is not 53/],
      [['verify', 'localhost', '--interval', '5'], /--interval works only with --watch/],
      [
        ['verify', 'localhost', '--protocol', 'ldap'],
        /--protocol: is "ldap"; must be smtp, pop3, imap4, nntp, lmtp, managesieve, http or jmap/,
      ],
      [['verify', 'localhost', '--protocol', 'http', '--starttls'], /HTTP has no STARTTLS/],
    ]
    for (const [args, words] of cases) {
      const { status, stdout, stderr } = await place.run(args)
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(words)
      expect(stderr.trim().split('\n')).toHaveLength(1)
    }
  })

  it('fails if no port of a host answers', async () => {
    const { status, stdout } = await place.run(['verify', '127.0.0.9', '--protocol', 'nntp'])
    expect(status).toBe(1)
    expect(stdout.split('\n').at(-2)).toMatch(/^failed: no port answers/)
  })
})
