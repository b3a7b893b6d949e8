import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { freePorts } from '../support/free-ports.ts'
import { ownTrust } from '../support/own-trust.ts'
import { needs } from '../support/programs.ts'
import { mainFile, type StartedLab, Workplace } from '../support/sealpost.ts'

const CONFIGURATION = `certificates: { store: certs, key: p256 }
store: { lmdb: data }
directory: { accounts: [{ user: alice, password: secret }, { user: bob, password: secret }] }
news:
  groups: [{ name: lab.general }]
logLevel: info
outgoing:
  connectors: [{ name: Default SMTP Connector, smartHost: { host: 127.0.0.1, port: 9, tls: none } }]
dns: { port: 0 }
mail:
  authentication: { dkim: [{ domain: lab.test, selector: lab }] }
virtualServers:
  - { protocol: smtp, port: 0, limits: { connections: 100 } }
  - { protocol: pop3, port: 0, tlsPort: 0 }
  - { protocol: imap4, port: 0, tlsPort: 0 }
  - { protocol: nntp, port: 0, tlsPort: 0 }
  - { protocol: http, port: 0, tlsPort: off }
`

let place: Workplace
let lab: StartedLab | undefined
/** The lines that ran, of all tests. */
const ran = new Set<string>()

beforeEach(() => {
  place = new Workplace()
  mkdirSync(join(place.folder, 'config'))
  place.write('config/default.yaml', CONFIGURATION)
  // The same lab, by another file.
  place.write('lab.yaml', CONFIGURATION.replace('certs', 'config/certs').replace('lmdb: data', 'lmdb: config/data'))
})
afterEach(() => stop())

async function start(): Promise<void> {
  lab = await place.start([])
}

async function stop(): Promise<void> {
  await lab?.end()
  lab = undefined
}

async function sendMail(): Promise<void> {
  const transport = createTransport({ host: '127.0.0.1', port: lab?.endpoint('smtp').port ?? 0, ignoreTLS: true })
  await transport.sendMail({
    from: 'shop@app.test',
    to: 'alice@lab.test',
    subject: 'An invoice with a code',
    text: 'The code is 123456.',
    attachments: [{ filename: 'invoice.txt', content: 'Total: 5' }],
  })
}

/** Returns the words of a line, as a shell reads them. */
const wordsOf = (line: string): string[] =>
  [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => word.replaceAll(/["']/g, ''))

interface Expected {
  /** Words of the line that differ here, such as a port. */
  readonly here?: Readonly<Record<string, string>>
}

const asHere = (line: string, here: Readonly<Record<string, string>>): string =>
  Object.entries(here).reduce((text, [from, to]) => text.replaceAll(from, to), line)

const openssl = (line: string): unknown =>
  execFileSync('openssl', wordsOf(line), { cwd: place.folder, stdio: ['ignore', 'ignore', 'pipe'] })

/** Runs lines after `sealpost`, as they are printed. @returns what the last one prints */
async function run(lines: readonly string[], { here = {} }: Expected = {}): Promise<string> {
  let printed = ''
  for (const line of lines) {
    ran.add(line)
    const replaced = asHere(line, here)
    const { status, stdout, stderr } = / [|>] /.test(replaced)
      ? await inShell(replaced)
      : await place.run(wordsOf(replaced))
    expect.soft(status === 0 ? '' : `${line}: ${status} ${stderr}${stdout}`).toBe('')
    printed = stdout
  }
  return printed
}

const sealpost = `sealpost() { '${process.execPath}' '${mainFile}' "$@"; }`

async function inShell(line: string) {
  const script = `${sealpost}\n${line.includes('sealpost ') ? line : `sealpost ${line}`}`
  const shell = spawn('bash', ['-c', script], { cwd: place.folder, env: place.environment() })
  const [stdout, stderr] = [shell.stdout, shell.stderr].map((stream) => {
    const parts: string[] = []
    stream.setEncoding('utf8').on('data', (text: string) => parts.push(text))
    return parts
  })
  const [status] = (await once(shell, 'close')) as [number]
  return { status, stdout: stdout?.join('') ?? '', stderr: stderr?.join('') ?? '' }
}

interface Meanwhile extends Expected {
  /** Its whole input. */
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs a command that goes on until it is stopped. @param until what it prints before */
async function runUntil(
  line: string,
  until: RegExp,
  { here = {}, input = '', env = {} }: Meanwhile = {},
): Promise<void> {
  ran.add(line)
  const child = spawn(process.execPath, [mainFile, ...wordsOf(asHere(line, here))], {
    cwd: place.folder,
    env: place.environment(env),
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const closed = once(child, 'close')
  child.stdin.end(input)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      if (until.test(printed)) child.kill('SIGTERM')
    })
  }
  await closed
  expect(printed, line).toMatch(until)
  expect(printed, line).not.toMatch(/^sealpost: /m)
}

/** The first message of a client of the Model Context Protocol. */
const INITIALIZE = `${JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
})}\n`

it('a lab is started, checked and configured', async () => {
  await run(['check', 'check --config lab.yaml --json', 'doctor', 'doctor --config lab.yaml'])
  for (const line of ['start', 'start --config lab.yaml --protocol smtp http']) await runUntil(line, /^ready$/m)
  await start()
  await run(['reload', 'reload --json', 'healthcheck', 'healthcheck --timeout 10s'])
  await run(['verify', 'verify --user alice --verbose', 'ca export --out lab-ca.pem'])
  await run(['verify localhost --protocol imap4 --port 3993 --tls --ca lab-ca.pem'], {
    here: { 3993: String(lab?.endpoint('imap4').tlsPort) },
  })
  await run(['cluster status', 'cluster status --json'])
  await run(['config show', 'config show virtualServers.smtp', 'config show --text > lab.yaml'])
  await run(['config set logLevel debug --dry-run', 'config set virtualServers.smtp.limits.connections 10'])
  await run(["config set 'directory.accounts[-]' '{ user: carol, password: secret }'"])
  await run([
    'config remove logLevel --dry-run',
    'config remove virtualServers.smtp.limits',
    'config set logLevel debug',
  ])
  const [latest = ''] = (await run(['config history --diff', 'config history'])).split(' ')
  await run(['config undo 12 --dry-run', 'config undo 12'], { here: { 12: latest } })
  await run(['config diff', 'config diff --json', 'config migrate lab.yaml --dry-run', 'config migrate lab.yaml'])
  await runUntil('mcp', /"serverInfo"/, { input: INITIALIZE })
  for (const line of ['stop', 'stop --now']) {
    await run([line])
    await stop()
    if (line === 'stop') await start()
  }
  await runUntil('mcp --start', /"serverInfo"/, { input: INITIALIZE })
})

it('mail is listed, read, checked and deleted', async () => {
  await start()
  await sendMail()
  await run(['mail list', 'mail list --account alice --limit 50', 'mail show latest'])
  await run(['mail show latest --raw > message.eml'])
  await run(['mail list --url http://localhost:8025'], { here: { 8025: String(lab?.endpoint('http').port) } })
  await run(['mail search from:shop is:unread', 'mail search subject:"an invoice" has:attachment'])
  await run(['mail wait --to alice --subject code'])
  for (const line of [
    "mail wait --query 'has:attachment' --timeout 10s --json",
    'mail wait --to alice --timeout 10s',
  ]) {
    await sendMail()
    await run([line])
  }
  await run(['mail check latest', 'mail check latest --json'])
  await run(['mail release latest --to dev@example.test --dry-run'])
  await run(["mail release --query 'subject:invoice' --to dev@example.test --dry-run"])
  await run(['mail report latest bounce+550', 'mail report latest complaint+abuse'])
  await run(["printf 'Subject: Hello\\n\\nHi.\\n' | sealpost sendmail alice@lab.test", 'sendmail -bv alice@lab.test'])
  await run(['mail delete latest', "mail delete --query 'before:2026-11-01'", 'mail delete --all'])
})

it('queued mail is listed, held and returned', async () => {
  await start()
  for (let n = 0; n < 3; n++) {
    await sendMail()
    await run(['mail release latest --to dev@example.test'])
  }
  const ids = JSON.parse(await run(['queue list --json'])).map(({ id }: { id: string }) => id)
  expect(ids.sort()).toEqual(['1', '2', '3'])
  await run(['queue list', 'queue list --state deferred --limit 50', 'queue show 1', 'queue show 1 --json'])
  await run(['queue flush 1', 'queue flush --all', 'queue hold 1', 'queue hold --destination example.test'])
  await run(['queue unhold 1', 'queue unhold --all', 'queue delete 2', 'queue bounce 3', 'queue bounce --all'])
  await run(['queue delete --recipient @example.test'])
})

it('sessions, the log, names, the clock and settings are shown', async () => {
  await start()
  await sendMail()
  await run(['sessions --failed', 'sessions smtp-1', 'log --level warn'])
  await runUntil('sessions --follow', /smtp-1/)
  await runUntil('log --follow --level info', /^\d{4}-\S+ info /m)
  await run([
    'dns list',
    'dns list lab.test --json',
    'dns zone-file lab.test',
    'dns zone-file lab.test > lab.test.zone',
  ])
  await run(['dns ds', 'dns ds lab.test --delv', 'dns queries', 'dns queries --json'])
  await run(["dns add 'www.lab.test 300 A 192.0.2.1'", 'dns add lab.test MX 5 mail.lab.test'])
  await run(['dns remove r1', 'dns remove r2'])
  await run([
    'dkim',
    'dkim --json',
    'tls-report',
    'tls-report --domain example.test --send',
    'dmarc-report',
    'dmarc-report --domain example.test --send --defect truncated-gzip',
  ])
  await run(['client-settings --program mutt', 'client-settings --account bob --write settings'])
  await run(['access-token --account alice', 'access-token --account alice --scope imap4 --expires-in 5m'])
  await run(['clock show', 'clock show --json', 'clock set 2027-01-01T00:00:00Z'])
  await run(['clock set 2027-03-28T00:59:50Z --json', 'clock advance 30d', 'clock advance 90m'])
  await run(['clock freeze', 'clock freeze --json', 'clock resume', 'clock resume --json'])
  await run(['clock reset', 'clock reset --json', 'completion bash > sealpost.bash', 'licenses'])
})

it('a store is checked, copied, backed up and restored', async () => {
  await start()
  await sendMail()
  await run(['store backup backups', 'store backup backups --keep 7'])
  await stop()
  await run(['store check', 'store check --config lab.yaml', 'store compact', 'store compact --json'])
  await run(['store export mail', 'store export alice --account alice --format eml'])
  await run(['store copy lab.yaml monday.dump', 'store copy monday.dump copy'])
  await run(['store import mail', 'store import alice --account alice --format eml'])
  await run(['cert copy lab.yaml copied', 'cert copy copied another'])
  await run(['store restore backups', 'store restore backups --config lab.yaml'])
})

it('mail is exported as mbox', async () => {
  await start()
  await sendMail()
  await stop()
  await run(['store export mail --format mbox'])
})

it('certificates are requested, installed, replaced and exported', async () => {
  await start()
  await run(['cert list', 'cert list --json', 'cert issue --for imap4 --cn imap.lab.test'])
  await run(['cert issue --for imap4 --cn imap.lab.test --san localhost'])
  await run(['cert issue --for all --cn localhost --key p256 --days 90'])
  await run(['cert request --for smtp --cn mail.example.com', 'cert pending', 'cert pending smtp --out certreq.txt'])
  await run(['cert cancel smtp'])
  await run([
    'cert request --for pop3 --cn mail.example.com --san pop.example.com --key p256 --out certreq.txt',
    'ca sign certreq.txt --out answer.cer',
    'cert install answer.cer',
  ])
  await run(['cert request --for pop3 --cn pop.lab.test --key p256 --out request.pem', 'cert cancel --for pop3'])
  await run([
    'ca create root Slow --type standalone --key p256',
    'cert issue --for nntp --cn localhost --authority Slow',
  ])
  await run(['ca approve 1', 'cert install --pending'])
  await run(['cert issue --for imap4 --cn localhost --key p256 --name Mail', 'cert show Mail', 'cert show Mail --json'])
  await run(['cert export Mail --out mail.pfx --password secret', 'cert export Mail --out mail.pem'])
  await run(['cert assign Mail --for nntp', 'cert assign Mail --for pop3 --json'])
  await run(['cert unassign --for nntp', 'cert unassign --for pop3'])
  await run(['cert issue --for imap4 --cn localhost --key p256 --name Old', 'cert replace Mail --for imap4'])
  await run(['cert replace Mail --for "Default SMTP Virtual Server"', 'cert delete Old --json'])
  await run(['cert rename Mail "Mail 2027"', 'cert rename "Mail 2027" Mail', 'cert rename Mail "Mail 2026"'])
  await run(['cert unassign --for imap4', 'cert unassign --for smtp', 'cert delete "Mail 2026"'])
  await run(['cert import mail.pfx --password secret --for pop3', 'cert rename Mail Imported'])
  await run(['cert issue --for smtp --cn localhost --key p256 --name Mail', 'cert renew Mail'])
  await run(['cert renew --for smtp --new-key', 'cert acme-account list', 'cert acme-account list --json'])
  openssl(
    `req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.pem -addext subjectAltName=DNS:localhost`,
  )
  await run(['cert import server.pem --key server.key --name Outside'])
})

it('authorities issue, revoke and are trusted', async () => {
  await run([
    'ca create root "Example Root" --o "Example Ltd" --days 3650',
    'ca create root "Slow CA" --type standalone',
  ])
  await run(['ca create subordinate "Example Mail CA" --parent "Example Root"'])
  await run(['ca create subordinate "Guest CA" --outside --out careq.txt'])
  await run([
    'ca sign careq.txt --subordinate --authority "Example Root" --out caanswer.cer',
    'ca install caanswer.cer',
  ])
  await run(['ca create subordinate "Other CA" --outside --out other.txt'])
  await run([
    'ca sign other.txt --subordinate --authority "Example Root" --out other.cer',
    'ca install other.cer --json',
  ])
  await run(['ca list', 'ca list --json', 'ca issued', 'ca issued "Example Root" --expiring 30d'])
  await run(['ca export --out lab-ca.pem', 'ca export "Example Root" --format der --out root.cer'])
  await run(['ca default "Example Root"', 'ca default "Example Mail CA" --json'])
  await run(['cert request --for pop3 --cn pop.lab.test --key p256 --out request.pem', 'ca submit request.pem'])
  for (let n = 0; n < 4; n++) await run(['ca submit request.pem --authority "Slow CA"'])
  await run(['ca requests', 'ca requests --authority "Slow CA"'])
  await run(['ca approve 1', 'ca approve 2 --days 90 --out certificate.pem', 'ca deny 3', 'ca deny 4 --json'])
  await run(['ca sign request.pem', 'ca sign request.pem --authority "Example Root" --chain --out certificate.pem'])
  const [first, second] = JSON.parse(await run(['ca issued --json'])) as { serial: string }[]
  await run(['ca revoke 4A71 --reason keyCompromise', 'ca revoke 4A72 --reason certificateHold'], {
    here: { '4A71': first?.serial ?? '', '4A72': second?.serial ?? '' },
  })
  await run(['ca crl --out lab.crl', 'ca crl "Example Root" --format der --out root.crl'])
  await run(['ca user Alice --email alice@lab.test --out alice.p12 --password secret'])
  await run(['ca user Bob --upn bob@lab.test --days 30 --out bob.p12 --password secret'])
  const root = '<svg xmlns="http://www.w3.org/2000/svg" version="1.2" baseProfile="tiny-ps" viewBox="0 0 1 1">'
  place.write('logo.svg', `${root}<title>Shop</title></svg>`)
  await run([
    'ca mark shop.test --logo logo.svg --out mark.pem',
    'ca mark sale._bimi.shop.test --logo logo.svg --common --out mark.pem --json',
  ])
  await run(['ca renew "Example Root" --days 3650', 'ca renew "Example Root" --new-key'])
  await run(['ca delete "Guest CA"', 'ca delete "Slow CA" --force'])
  const ca = '-addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign'
  openssl(`req -x509 -newkey rsa:2048 -nodes -subj "/CN=Outside Root" -keyout root.key -out outside-root.pem ${ca}`)
  openssl(
    `req -x509 -newkey rsa:2048 -nodes -subj "/CN=Outside Intermediate" -CA outside-root.pem -CAkey root.key -keyout i.key -out intermediate.pem ${ca}`,
  )
  await run(['ca add-trusted outside-root.pem', 'ca add-trusted intermediate.pem --json'])
  await run(['ca list-trusted', 'ca list-trusted --json'])
  await run(['ca remove-trusted "Outside Intermediate" --json', 'ca remove-trusted "Outside Root"'])
  for (const line of ['ca serve --port 8080', 'ca serve --port 8080 --acme-http-port 5002']) {
    const [port = 0] = await freePorts(1)
    await runUntil(line, /^ready$/m, { here: { 8080: String(port) } })
  }
})

it('a root of the general help can be created', async () => {
  await run(['ca create root "Example Root"', 'ca create subordinate "Example Mail CA" --parent "Example Root"'])
})

it('the mailbox tools of others are replaced', async () => {
  const [smtp, http] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`)
  const env = { MP_SMTP_BIND_ADDR: `${smtp}`, MP_UI_BIND_ADDR: `${http}` }
  await runUntil('start --like mailpit', /^ready$/m, { env })
})

const AUDIT = [
  'audit --list',
  'audit --protocol imap4 --form implicit --server expired -- curl --cacert {caFile} --user {user}:{password} imaps://{hostname}:{port}',
]

it.skipIf(!needs('curl'))('a client is audited', async () => {
  await run(AUDIT)
})

const TRUST = [
  ...['trust install --dry-run', 'trust install --store nss', 'trust status', 'trust status --json'],
  ...['trust uninstall --dry-run', 'trust uninstall --all --store nss', 'trust uninstall'],
]
const canTrust = needs('unshare', 'certutil')

it.skipIf(!canTrust)('roots are trusted', async () => {
  await run(['ca export --out lab-ca.pem'])
  const script = `${ownTrust}\nset +e\n${sealpost}\n${TRUST.map((line) => `sealpost ${line}; echo "${line}: $?"`).join('\n')}`
  const shell = spawn(
    'unshare',
    [...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--mount', 'bash', '-c', script],
    { cwd: place.folder, env: place.environment() },
  )
  let printed = ''
  for (const stream of [shell.stdout, shell.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text))
  await once(shell, 'close')
  // Other stores of the machine do not have the root.
  for (const line of TRUST) expect(printed).toContain(`\n${line}: ${line.startsWith('trust status') ? 1 : 0}\n`)
})

/** Examples that other tests run. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  'cert-wizard.interop.test.ts': ['cert wizard', 'cert wizard --for imap4'],
  'acme-account.test.ts': ['cert acme-account rollover', 'cert acme-account rollover --key rsa-2048'],
  'completion.test.ts': ['completion fish | source'],
  'terminal.interop.test.ts': ['mail', 'mail browse', 'mail browse --config lab.yaml'],
}

it('these were all examples of the help', async () => {
  const printed: string[] = []
  const without: string[] = []
  const walk = async (path: readonly string[]): Promise<void> => {
    const { stdout } = await place.run([...path, '--help'])
    const examples = [...stdout.matchAll(/^ {2}(sealpost .*|printf .*)$/gm)].map(([, line]) => line as string)
    if (examples.length === 0) without.push(path.join(' '))
    printed.push(...examples.map((line) => line.replace(/^sealpost /, '')))
    const [, commands = ''] =
      /^(?:Commands|Run):\n([\s\S]*?)(?=^(?:Examples|Options of many commands):)/m.exec(stdout) ?? []
    for (const [, name = ''] of commands.matchAll(/^ {2}([a-z][a-z-]*)(?: |$)/gm))
      if (name !== 'help') await walk([...path, name])
  }
  await walk([])
  expect(without).toEqual([])
  expect(new Set(printed).size).toBeGreaterThan(150)
  const others = [...Object.values(ELSEWHERE).flat(), ...TRUST, ...(needs('curl') ? [] : AUDIT)]
  expect(printed.filter((line) => !ran.has(line) && !others.includes(line))).toEqual([])
}, 300_000)
