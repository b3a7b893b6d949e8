import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { needs } from '../support/programs.ts'
import { type StartedLab, workplaceOfEach } from '../support/sealpost.ts'
import { isThorough } from '../support/thorough.ts'

const place = workplaceOfEach()

const accounts = 'directory: { accounts: [{ user: alice, password: secret }, { user: bob, password: hidden }] }\n'

/** Returns the instructions for one program. */
async function instructions(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await place.run(['client-settings', ...args, '--json'])
  const { programs } = JSON.parse(stdout) as { programs: { name: string; text: string }[] }
  return programs.find(({ name }) => name.startsWith(program))?.text ?? ''
}

async function startLab(): Promise<StartedLab> {
  const servers = ['smtp', 'pop3', 'imap4', 'nntp'].map((protocol) => `{ protocol: ${protocol}, port: 0, tlsPort: 0 }`)
  place.write(
    'lab.yaml',
    `certificates: { store: certs, key: p256 }\n${accounts}virtualServers: [${servers.join(', ')}]`,
  )
  return place.start(['--config', 'lab.yaml'])
}

test('shows the ports of Outlook Express with and without SSL', async () => {
  place.write('lab.yaml', accounts)
  const lines = (await instructions('Outlook Express', ['--config', 'lab.yaml'])).split('\n')
  expect(lines.filter((line) => line.includes('localhost'))).toEqual([
    'Incoming (POP3)  localhost, SSL empty: port 110; SSL ticked: port 995',
    'Incoming (IMAP)  localhost, SSL empty: port 143; SSL ticked: port 993',
    'Outgoing (SMTP)  localhost, port 25, SSL empty or ticked',
    'News (NNTP)      localhost, SSL empty: port 119; SSL ticked: port 563',
  ])
})

test('has JMAP and ManageSieve where the lab has them', async () => {
  const servers = '{ protocol: http, port: 0, tlsPort: 8443 }, { protocol: managesieve, port: 4190 }'
  place.write('lab.yaml', `${accounts}virtualServers: [${servers}]`)
  const args = ['--config', 'lab.yaml']
  expect(await instructions('aerc', args)).toContain('source = jmap://alice:secret@localhost:8443/.well-known/jmap\n')
  const meli = await instructions('meli', args)
  expect(meli).toContain('server_url = "https://localhost:8443"\n')
  expect(meli).toMatch(/sealpost trust install/)
  expect(meli).not.toMatch(/danger_accept/)
  expect(await instructions('sieve-connect', args)).toContain('--server localhost --port 4190 --tlscafile lab-ca.pem')
  const shown = JSON.parse((await place.run(['client-settings', ...args, '--json'])).stdout).servers
  expect(shown).toMatchObject([
    { protocol: 'jmap', port: 8443, security: 'tls', authentication: ['password'] },
    { protocol: 'managesieve', port: 4190, security: 'starttls' },
  ])
  place.write('lab.yaml', `${accounts}virtualServers: [{ protocol: http, port: 8080, tlsPort: off, jmap: off }]`)
  expect(await instructions('meli', args)).toBe('The lab has no HTTP virtual server with JMAP.')
})

test('selects another account and rejects an unknown one', async () => {
  place.write('lab.yaml', accounts)
  expect(await instructions('imapflow', ['--config', 'lab.yaml', '--account', 'bob'])).toContain("pass: 'hidden'")
  const { status, stderr } = await place.run(['client-settings', '--config', 'lab.yaml', '--account', 'eve'])
  expect([status, stderr]).toEqual([1, 'sealpost: the configuration has no account eve; it has: alice, bob\n'])
})

test.runIf(isThorough && needs('mbsync'))('mbsync reads mail with the printed settings', async () => {
  await using _running = await startLab()
  const text = await instructions('mbsync', ['--config', 'lab.yaml'])
  await writeCa()
  mkdirSync(join(place.folder, 'Mail/lab'), { recursive: true })
  const rc = place.write(
    'mbsyncrc',
    text.replaceAll('~', place.folder).replace('lab-ca.pem', join(place.folder, 'lab-ca.pem')),
  )
  const { status, stderr } = spawnSync('mbsync', ['-c', rc, 'lab'], {
    encoding: 'utf8',
    cwd: place.folder,
    env: { ...process.env, HOME: place.folder, XDG_STATE_HOME: join(place.folder, 'state') },
  })
  expect([status, stderr]).toEqual([0, ''])
  expect(readdirSync(join(place.folder, 'Mail/lab/INBOX')).sort()).toContain('cur')
})

test('nodemailer and imapflow work with the printed options', async () => {
  await using _running = await startLab()
  await writeCa()
  const send = await instructions('nodemailer', ['--config', 'lab.yaml'])
  const read = await instructions('imapflow', ['--config', 'lab.yaml'])
  const script = `
    import { readFileSync } from 'node:fs'
    import { createTransport } from '${import.meta.resolve('nodemailer')}'
    import { ImapFlow } from '${import.meta.resolve('imapflow')}'
    const transport = ${send}
    await transport.sendMail({ from: 'bob@lab.test', to: 'alice@lab.test', subject: 'As printed', text: 'x' })
    const client = ${read.replace(' })', ', logger: false })')}
    await client.connect()
    await client.mailboxOpen('INBOX')
    console.log((await client.fetchOne('*', { envelope: true })).envelope.subject)
    await client.logout()`
  const file = place.write('script.mjs', script)
  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8', cwd: place.folder })
  expect(stderr).toBe('')
  expect(stdout).toBe('As printed\n')
})

test.skipIf(!needs('python3'))('--write creates valid files that only their owner can read', async () => {
  await using _running = await startLab()
  const { stdout } = await place.run(['client-settings', '--config', 'lab.yaml', '--write', 'out', '--no-signed'])
  const files = stdout.trim().split('\n')
  expect(files).toEqual([
    'out/.well-known/autoconfig/mail/config-v1.1.xml',
    'out/autodiscover/autodiscover.xml',
    'out/lab.mobileconfig',
    'out/lab-ca.pem',
  ])
  expect(statSync(join(place.folder, 'out/lab.mobileconfig')).mode & 0o777).toBe(0o600)
  const script = `
import plistlib, xml.etree.ElementTree as tree
config = tree.parse('out/.well-known/autoconfig/mail/config-v1.1.xml').getroot()
print([(s.get('type'), s.find('socketType').text) for s in config.iter() if s.get('type')])
ns = {'a': 'http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a'}
discover = tree.parse('out/autodiscover/autodiscover.xml').getroot()
print([e.text for e in discover.findall('.//a:Protocol/a:Type', ns)])
profile = plistlib.load(open('out/lab.mobileconfig', 'rb'))
print([p['PayloadType'] for p in profile['PayloadContent']])
open('root.der', 'wb').write(profile['PayloadContent'][1]['PayloadContent'])
`
  const python = spawnSync('python3', ['-c', script], { encoding: 'utf8', cwd: place.folder })
  expect(python.stderr).toBe('')
  expect(python.stdout.trim().split('\n')).toEqual([
    "[('imap', 'SSL'), ('pop3', 'SSL'), ('smtp', 'SSL')]",
    "['IMAP', 'POP3', 'SMTP']",
    "['com.apple.mail.managed', 'com.apple.security.root']",
  ])
  const root = spawnSync('openssl', ['x509', '-in', 'root.der', '-inform', 'der', '-noout', '-subject'], {
    encoding: 'utf8',
    cwd: place.folder,
  })
  expect(root.stdout).toMatch(/^subject=.*Sealpost Lab Root CA/)
})

/** Writes the files with the root certificate, `lab-ca.pem`, to the folder of the programs. */
async function writeCa(): Promise<void> {
  await place.run(['client-settings', '--config', 'lab.yaml', '--write', '.'])
}

test('shows one program, and names all if it is unknown', async () => {
  place.write('lab.yaml', `${accounts}virtualServers: [{ protocol: imap4, port: 1143 }]`)
  const one = await place.run(['client-settings', '--config', 'lab.yaml', '--program', 'mbsync', '--json'])
  expect(JSON.parse(one.stdout).programs).toMatchObject([{ id: 'mbsync' }])
  const none = await place.run(['client-settings', '--config', 'lab.yaml', '--program', 'pine'])
  expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('there are: outlook-express, outlook, ')])
})

describe('a lab at --url', () => {
  const token = 'token-of-an-administrator'
  const reader = 'token-of-a-reader-of-all'
  const tokens = `access:
  tokens: [{ name: ci, token: ${token} }, { name: watcher, role: reader, token: ${reader} }]
`

  async function remoteLab(): Promise<{ running: StartedLab; url: string }> {
    const servers =
      '[{ protocol: smtp, port: 0 }, { protocol: imap4, port: 0, tlsPort: 0 }, { protocol: http, port: 0 }]'
    place.write(
      'lab.yaml',
      `certificates: { store: certs, key: p256 }\n${accounts}${tokens}\nvirtualServers: ${servers}`,
    )
    const running = await place.start(['--config', 'lab.yaml'])
    return { running, url: `http://127.0.0.1:${running.endpoint('http').port}` }
  }

  test('names its ports, and passwords only if the token may see them', async () => {
    const { running, url } = await remoteLab()
    await using _running = running
    const show = (...args: string[]) => place.run(['client-settings', '--url', url, ...args])
    const bob = await show('--token', token, '--account', 'bob', '--json')
    expect(JSON.parse(bob.stdout)).toMatchObject({ user: 'bob', password: 'hidden', servers: expect.any(Array) })
    const { tlsPort } = running.endpoint('imap4')
    const mbsync = await show('--token', token, '--program', 'mbsync')
    expect(mbsync.stdout).toContain(`  Port ${tlsPort}\n  User alice\n  Pass secret\n`)
    expect(mbsync.stdout).toContain(`sealpost client-settings --url ${url} --write .\n`)
    const without = await show('--token', reader, '--no-password', '--program', 'mbsync')
    expect(without.stdout).toContain('  Pass "(your password)"\n')
    const refused = await show('--token', reader)
    expect([refused.status, refused.stderr]).toEqual([
      1,
      'sealpost: the token may not see passwords; use --no-password\n',
    ])
    const unknown = await show('--token', token, '--account', 'eve')
    expect([unknown.status, unknown.stderr]).toEqual([1, expect.stringContaining('there is no account eve')])
  })

  test.skipIf(!needs('openssl'))('writes the same files as the configuration, the profile signed', async () => {
    const { running, url } = await remoteLab()
    await using _running = running
    const written = await place.run(['client-settings', '--url', url, '--token', token, '--write', 'out'])
    expect(written.stdout.trim().split('\n')).toEqual([
      'out/.well-known/autoconfig/mail/config-v1.1.xml',
      'out/autodiscover/autodiscover.xml',
      'out/lab.mobileconfig',
      'out/lab-ca.pem',
    ])
    const verify = ['cms', '-verify', '-inform', 'der', '-in', 'out/lab.mobileconfig', '-CAfile', 'out/lab-ca.pem']
    const profile = spawnSync('openssl', verify, { encoding: 'utf8', cwd: place.folder })
    expect([profile.status, profile.stdout]).toEqual([0, expect.stringContaining('<key>IncomingPassword</key>')])
  })

  test('takes a token only with --url', async () => {
    place.write('lab.yaml', accounts)
    const { status, stderr } = await place.run(['client-settings', '--config', 'lab.yaml', '--token', token])
    expect([status, stderr]).toEqual([2, expect.stringContaining('--token works only with --url')])
  })
})
