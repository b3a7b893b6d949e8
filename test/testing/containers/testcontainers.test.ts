import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { loadText } from '../../../src/core/config/yaml.ts'
import { containerSettings, IMAGE_SETTINGS } from '../../../src/testing/containers/settings.ts'
import { freeOffset, freePort } from '../../support/free-ports.ts'
import { type Asked, InstalledPackage, imageConfiguration } from './package.ts'

const installed = new InstalledPackage()
afterAll(() => installed.remove())

const imagePorts = IMAGE_SETTINGS.endpoints
  .flatMap(({ port, tlsPort }) => [port, tlsPort])
  .filter((one) => one !== 'off')

/** Returns an offset at which every port of the lab is free, for a variable of the environment. */
const offsetOfLab = async (): Promise<string> => String(await freeOffset([...imagePorts, 2525]))

const IMPORT = "import { SealpostApi, SealpostApiError, SealpostContainer } from 'sealpost/testcontainers'"
const REQUIRE = "const { SealpostApi, SealpostApiError, SealpostContainer } = require('sealpost/testcontainers')"

interface Exercised {
  readonly asked: Asked
  // biome-ignore lint/suspicious/noExplicitAny: each test checks the shape of what its script prints
  readonly printed: any
}

/** Runs a script against a started lab, which `build` makes. `print` prints its result. */
async function exercise(build: string, body: string, kind: 'mjs' | 'cjs' = 'mjs'): Promise<Exercised> {
  const script = `${kind === 'mjs' ? IMPORT : REQUIRE}
const nodemailer = ${kind === 'mjs' ? "(await import('nodemailer')).default" : "require('nodemailer')"}
const print = (value) => console.log(JSON.stringify(value))
async function main() {
  const lab = await ${build}.start()
  try { ${body} } finally { await lab.stop() }
}
main().catch((error) => { console.error(error); process.exitCode = 1 })
`
  const { status, stdout, stderr, asked } = await installed.run(kind, script, {
    env: { FAKE_OFFSET: await offsetOfLab() },
  })
  expect(status, stderr).toBe(0)
  return { asked: asked[0] as Asked, printed: JSON.parse(stdout) }
}

const SEND = `const mailer = nodemailer.createTransport({ host: lab.host, port: lab.smtpPort, tls: { ca: await lab.ca() }, requireTLS: true })
  const send = (to, subject) => mailer.sendMail({ from: 'shop@example.com', to, subject, text: 'Your code is 123456.' })`

test.each(['mjs', 'cjs'] as const)('the lab of the image takes mail, and the API returns it (%s)', async (kind) => {
  const { asked, printed } = await exercise(
    'new SealpostContainer()',
    `${SEND}
  await send('alice@lab.test', 'Welcome')
  const { id } = await lab.api.wait({ to: 'alice', subject: 'Welcome' })
  const message = await lab.api.message(id)
  const { total } = await lab.api.messages({ query: 'subject:welcome' })
  await lab.api.reset()
  const missed = await lab.api.wait({ to: 'alice', timeout: '1ms' }).catch((error) => error.name + ' ' + error.status)
  print({ message, total, left: (await lab.api.messages()).total, missed, url: lab.url, token: lab.token, host: lab.host })`,
    kind,
  )
  expect(printed).toMatchObject({
    message: { subject: 'Welcome', codes: ['123456'], delivery: { tls: { version: 'TLSv1.3' } } },
    total: 1,
    left: 0,
    missed: 'SealpostApiError 404',
    host: '127.0.0.1',
  })
  expect(printed.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
  expect(asked).toMatchObject({
    image: 'sealpost',
    exposedPorts: [25, 587, 465, 110, 995, 143, 993, 119, 563, 8025, 8443],
    waitsFor: [expect.stringMatching(/^log .*ready/), 'http /readyz 8025'],
    hostConfig: { Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' } },
  })
  expect(JSON.parse(asked.environment.SEALPOST_ACCESS_TOKENS ?? '')).toEqual([
    { name: 'testcontainers', role: 'administrator', token: printed.token },
  ])
})

test('TLS ports, accounts, a token and network aliases', async () => {
  const { asked, printed } = await exercise(
    "new SealpostContainer('registry.example/sealpost:1').withToken('chosen-by-the-test').withAccounts({ user: 'carol', password: 'pw' }).withNetworkAliases('mx')",
    `const { connect } = await import('node:tls')
  const ca = await lab.ca()
  const names = await new Promise((resolve, reject) => {
    const socket = connect({ host: lab.host, port: lab.tlsPort('imap4'), ca, servername: 'mx' }, () => {
      resolve(socket.getPeerCertificate().subjectaltname); socket.destroy() }).on('error', reject)
  })
  const accounts = (await lab.api.request('/accounts')).items.map((one) => one.user)
  const submission = nodemailer.createTransport({ host: lab.host, port: lab.tlsPort('Submission SMTP Virtual Server'),
    secure: true, auth: { user: 'carol', pass: 'pw' }, tls: { ca } })
  await submission.sendMail({ from: 'carol@lab.test', to: 'carol@lab.test', subject: 'Mine', text: 'x' })
  const { account } = await lab.api.wait('carol@lab.test')
  const fails = (read) => { try { return read() } catch (error) { return error.message } }
  print({ names, accounts, account, token: lab.token, none: fails(() => lab.tlsPort('smtpx')), off: fails(() => lab.tlsPort('Default SMTP Virtual Server')) })`,
  )
  expect(printed).toMatchObject({ accounts: ['carol'], account: 'carol', token: 'chosen-by-the-test' })
  expect(printed.names).toMatch(/DNS:mx\b/)
  expect(printed.none).toBe(
    "tlsPort('smtpx'): there is no such virtual server; known here: smtp (Submission SMTP Virtual Server), pop3 (Default POP3 Virtual Server), imap4 (Default IMAP4 Virtual Server), nntp (Default NNTP Virtual Server), http (Default HTTP Virtual Server)",
  )
  expect(printed.off).toContain('Default SMTP Virtual Server has none')
  expect(asked.image).toBe('registry.example/sealpost:1')
})

test('a configuration of its own gets an HTTP virtual server, and tenants do not see each other', async () => {
  const { asked, printed } = await exercise(
    "new SealpostContainer().withConfiguration('virtualServers: [{ protocol: smtp, port: 2525 }]\\nstore: memory')",
    `${SEND}
  const [one, two] = [await lab.api.createTenant({ name: 'one' }), await lab.api.createTenant()]
  await send(one.accounts[0].address, 'For one')
  const { subject } = await one.api.wait()
  const { total } = await two.api.messages()
  const forbidden = await two.api.reset().catch((error) => [error instanceof SealpostApiError, error.status])
  const again = await lab.api.createTenant({ name: 'one' }).catch((error) => error.message)
  print({ subject, total, forbidden, again })`,
  )
  expect(printed).toMatchObject({
    subject: 'For one',
    total: 0,
    forbidden: [true, 403],
    again: 'there is a tenant one already; choose another name',
  })
  expect(asked.exposedPorts).toEqual([2525, 8025, 8443])
  expect(JSON.parse(asked.environment.SEALPOST_CONFIG ?? '').virtualServers).toMatchObject([
    { protocol: 'smtp', address: '0.0.0.0', port: 2525 },
    { protocol: 'http', address: '0.0.0.0', port: 8025 },
  ])
})

describe('mistakes are explained', () => {
  test.each([
    [
      'virtualServers: [{ protocol: smtp, prot: 25 }]',
      /^withConfiguration:1:36: virtualServers\[0\]\.prot: unknown key/,
    ],
    ['virtualServers: [', /^withConfiguration:1:\d+: /],
    ['config/lab.yaml', /^withConfiguration: takes a YAML text.*readFileSync\('config\/lab.yaml', 'utf8'\)/],
    [{ virtualServers: [{ protocol: 'smtp', port: 0 }] }, /^Default SMTP Virtual Server: port 0 takes a free port/],
  ] as const)('in the configuration %j', (configuration, message) => {
    expect(() => containerSettings(configuration as Parameters<typeof containerSettings>[0])).toThrow(message)
  })

  test('a token that is too short', async () => {
    const { status, stderr } = await installed.run('mjs', `${IMPORT}\nnew SealpostContainer().withToken('short')`)
    expect(status).toBe(1)
    expect(stderr).toContain('RangeError: withToken: the token has 5 characters; write at least 16')
  })

  test('a lab that does not start: the error has the end of its log', async () => {
    const script = `${IMPORT}
await new SealpostContainer().withAccounts({ user: '', password: 'x' }).start().catch((error) => console.log(error.message))`
    const { stdout } = await installed.run('mjs', script, { env: { FAKE_OFFSET: await offsetOfLab() } })
    expect(stdout).toMatch(
      /^The Sealpost container did not start: the log ended\nThe container printed:\n[^]*SEALPOST_DIRECTORY: accounts\[0\]\.user/,
    )
  })

  test('a lab that cannot be reached', async () => {
    const script = `${IMPORT}
await new SealpostApi('http://127.0.0.1:${await freePort()}', 'token').messages().catch((error) => console.log(error.message))`
    const { stdout } = await installed.run('mjs', script)
    expect(stdout).toMatch(/^http:\/\/127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED/)
  })

  test.each(['mjs', 'cjs'] as const)('a Node.js that is too old (%s)', async (kind) => {
    const { status, stderr } = await installed.run(kind, kind === 'mjs' ? IMPORT : REQUIRE, { node: '20.20.2' })
    expect(status).toBe(1)
    expect(stderr).toContain(
      'Error: sealpost/testcontainers needs Node.js 22 or later, as the package testcontainers does; this is Node.js 20.20.2',
    )
  })

  test.each(['mjs', 'cjs'] as const)('a missing testcontainers (%s)', async (kind) => {
    const bare = new InstalledPackage({ hasTestcontainers: false })
    try {
      const { status, stderr } = await bare.run(kind, kind === 'mjs' ? IMPORT : REQUIRE)
      expect(status).toBe(1)
      expect(stderr).toContain(
        'Error: sealpost/testcontainers needs the package testcontainers, which is not installed; run: npm install --save-dev testcontainers',
      )
    } finally {
      bare.remove()
    }
  })
})

test('the ports are those of the image', () => {
  const { virtualServers } = loadText(imageConfiguration(), 'docker/config.yaml', '/').lab
  expect(virtualServers.map(({ name, protocol, port, tlsPort }) => ({ name, protocol, port, tlsPort }))).toEqual(
    IMAGE_SETTINGS.endpoints,
  )
  const dockerfile = readFileSync(fileURLToPath(new URL('../../../docker/Dockerfile', import.meta.url)), 'utf8')
  // The last stage is the image without a target.
  const [, exposed = ''] = [...dockerfile.matchAll(/^EXPOSE (.*)$/gm)].at(-1) ?? []
  expect(exposed.split(' ').map(Number).sort()).toEqual([...imagePorts].sort())
})
