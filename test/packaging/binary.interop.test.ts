import { spawn } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Agent } from '../api/mcp/client.ts'
import { type ProgramResult, runProgram } from '../support/run-program.ts'
import { StartedLab, Workplace, workplaceOfEach } from '../support/sealpost.ts'
import { canCopyMachine } from './machine-copy.ts'
import { repository } from './packages.ts'

/** The binary of this machine, built from `dist/` with Node.js of the npm registry. */
const built = new Workplace()
const target = `${process.platform}-${process.arch}`
const binary = join(built.folder, `sealpost-${target}`)
const ADDON = join(repository, `node_modules/@lmdb/lmdb-${target}/node.napi.glibc.node`)
const ALONE = fileURLToPath(new URL('alone.sh', import.meta.url))

const TOKEN = 'token-of-the-tests-1'
/** The hash is of the word `secret`. Its check needs the thread for password hashes. */
const LAB = `
domain: lab.test
certificates: { store: certs, key: p256 }
store: { lmdb: data }
directory:
  accounts:
    - { user: alice, password: secret }
    - { user: bob, passwordHash: $2a$04$a0TfZF/ta1OrbETxbEjsXug4RYl00Otu4AxEdYD5XC3VQfHT.UULy }
access: { tokens: [{ name: ci, token: ${TOKEN} }] }
virtualServers:
  - { protocol: smtp, port: 0, authentication: [anonymous, basic-over-tls] }
  - { protocol: http, port: 0, tlsPort: off, authentication: [basic] }
`

const place = workplaceOfEach()
beforeAll(() => build(built.folder), 300_000)
beforeEach(() => {
  place.write('lab.yaml', LAB)
})
afterAll(() => built.remove())

async function build(out: string): Promise<void> {
  const args = ['scripts/binary.mjs', '--out', out]
  const { status, stderr } = await runProgram(process.execPath, args, { cwd: repository, timeoutMs: 280_000 })
  expect([status, stderr]).toEqual([0, ''])
}

/** Runs the binary to its end, with an environment that has only folders. */
function run(args: readonly string[], { command = binary, input = '' } = {}): Promise<ProgramResult> {
  const { TMPDIR = '', XDG_DATA_HOME = '' } = place.environment()
  const env = ['-i', `TMPDIR=${TMPDIR}`, `XDG_DATA_HOME=${XDG_DATA_HOME}`]
  return runProgram('env', [...env, command, ...args], { input, cwd: place.folder })
}

/** Runs the binary, and returns its output. */
async function sealpost(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(args)
  expect([status, status === 0 ? '' : stderr]).toEqual([0, ''])
  return stdout
}

async function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, command = binary) {
  const options = { cwd: place.folder, env: place.environment(env) }
  const lab = new StartedLab(spawn(command, ['start', '--json', ...args], options))
  await lab.ready
  return lab
}

const baseOf = (lab: StartedLab): string => `http://127.0.0.1:${lab.endpoint('http').port}`

async function fetched(url: string): Promise<Response> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } })
  expect([url, response.status]).toEqual([url, 200])
  return response
}

async function send(lab: StartedLab, subject: string, options: object = {}): Promise<void> {
  const port = lab.endpoint('smtp').port as number
  const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true, ...options })
  await transport.sendMail({ from: 'shop@lab.test', to: 'alice@lab.test', subject, text: 'Hi.' })
}

test('two builds are equal octet for octet', async () => {
  await build(join(place.folder, 'again'))
  expect(readFileSync(join(place.folder, 'again', `sealpost-${target}`)).equals(readFileSync(binary))).toBe(true)
}, 300_000)

describe('the binary', () => {
  test('has its version, optional packages and licences inside', async () => {
    const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
    const { sealpost: own, optional } = JSON.parse(await sealpost('--version', '--json'))
    expect(own).toBe(version)
    expect(Object.values(optional)).not.toContain(null)
    const licences = await sealpost('licenses')
    expect(licences).toContain(readFileSync(join(repository, 'LICENSE'), 'utf8'))
    for (const name of ['Node.js', 'OpenSSL', 'ICU', 'zod', 'lmdb', 'pg', 'hono', 'oidc-provider', 'pino', 'yaml'])
      expect(licences).toMatch(new RegExp(`\\b${name}\\b`))
    expect(await sealpost('doctor', '--config', 'lab.yaml')).toMatch(/^0 errors/m)
  })

  test('receives mail with verified TLS, keeps it on disk, and shows the console', async () => {
    await using lab = await start(['--config', 'lab.yaml'])
    const ca = await sealpost('ca', 'export', '--format', 'pem', '--config', 'lab.yaml')
    const tls = { ignoreTLS: false, requireTLS: true, tls: { ca, servername: 'localhost' } }
    await send(lab, 'Kept', { ...tls, auth: { user: 'bob', pass: 'secret' } })
    await expect(send(lab, 'Refused', { ...tls, auth: { user: 'bob', pass: 'wrong' } })).rejects.toThrow('535')

    const page = await (await fetched(baseOf(lab))).text()
    const [, script = ''] = /<script [^>]*src="([^"]+)"/.exec(page) ?? []
    expect((await fetched(new URL(script, `${baseOf(lab)}/`).href)).headers.get('content-type')).toMatch(/javascript/)
    expect(await lab.end()).toBe(0)

    await using _again = await start(['--config', 'lab.yaml'])
    expect(await sealpost('mail', 'list', '--config', 'lab.yaml')).toMatch(/ Kept$/m)
  })

  test('issues certificates, which a running lab takes after a reload', async () => {
    await using lab = await start(['--config', 'lab.yaml'])
    await sealpost('cert', 'issue', '--for', 'smtp', '--cn', 'mail.lab.test', '--config', 'lab.yaml')
    await sealpost('reload', '--config', 'lab.yaml')
    const ca = await sealpost('ca', 'export', '--format', 'pem', '--config', 'lab.yaml')
    await send(lab, 'Other name', { ignoreTLS: false, requireTLS: true, tls: { ca, servername: 'mail.lab.test' } })
    expect(await sealpost('cert', 'list', '--config', 'lab.yaml')).toContain('mail.lab.test')
  })

  test('is sendmail by the name of a link', async () => {
    await using _lab = await start(['--config', 'lab.yaml'])
    const link = join(place.folder, 'sendmail')
    symlinkSync(binary, link)
    const { status, stderr } = await run(['-C', 'lab.yaml', '-t'], {
      command: link,
      input: 'To: alice@lab.test\nSubject: By link\n\nHi.\n',
    })
    expect([status, stderr]).toEqual([0, ''])
    expect(await sealpost('mail', 'list', '--config', 'lab.yaml')).toContain('By link')
  })

  test('gives agents the lab with mcp', async () => {
    await using lab = await start(['--config', 'lab.yaml'])
    await send(lab, 'For an agent')
    const options = { cwd: place.folder, env: place.environment() as Record<string, string> }
    await using agent = new Agent()
    await agent.client.connect(
      new StdioClientTransport({
        command: binary,
        args: ['mcp', '--config', 'lab.yaml'],
        stderr: 'ignore',
        ...options,
      }),
    )
    await agent.client.listTools()
    expect(await agent.data('get_message', {})).toMatchObject({ subject: 'For an agent' })
  })

  test('takes the place of Mailpit', async () => {
    const ports = { MP_SMTP_BIND_ADDR: '127.0.0.1:0', MP_UI_BIND_ADDR: '127.0.0.1:0' }
    await using lab = await start(['--like', 'mailpit', '--', '--max', '3'], ports)
    await send(lab, 'As before')
    const { messages } = (await (await fetched(`${baseOf(lab)}/api/v1/messages`)).json()) as { messages: unknown }
    expect(messages).toMatchObject([{ Subject: 'As before' }])
  })

  test('has the driver for PostgreSQL', async () => {
    place.write('lab.yaml', LAB.replace('{ lmdb: data }', "{ postgres: 'postgres://127.0.0.1:1/none' }"))
    const { stderr } = await run(['start', '--config', 'lab.yaml'])
    expect(stderr).toMatch(/ECONNREFUSED/)
  })

  test('loads no add-on that was changed on disk', async () => {
    mkdirSync(join(place.folder, 'bin'))
    const moved = join(place.folder, 'bin/sealpost')
    copyFileSync(binary, moved)
    const beside = join(place.folder, 'bin/lmdb.node')
    /** Starts the lab, and returns the file that the add-on was loaded from. */
    const loadedFrom = async (): Promise<string | undefined> => {
      await using lab = await start(['--config', 'lab.yaml'], {}, moved)
      const maps = readFileSync(`/proc/${lab.process.pid}/maps`, 'utf8')
      // The folder in which it was unpacked is gone, so nothing can be planted there for the next start.
      expect(readdirSync(join(place.folder, 'data')).filter((name) => name.startsWith('lmdb-'))).toEqual([])
      return /\S*lmdb\.node(?: \(deleted\))?$/m.exec(maps)?.[0]
    }
    const unpacked = new RegExp(`^${place.folder}/data/lmdb-\\w+/lmdb\\.node \\(deleted\\)$`)
    expect(await loadedFrom()).toMatch(unpacked)
    copyFileSync(ADDON, beside)
    expect(await loadedFrom()).toBe(beside)
    // A new file: the old one is never changed in place.
    renameSync(beside, `${beside}.old`)
    copyFileSync(ADDON, beside)
    appendFileSync(beside, 'changed')
    expect(await loadedFrom()).toMatch(unpacked)
    writeFileSync(beside, 'not an add-on')
    expect(await loadedFrom()).toMatch(unpacked)
  })

  test.runIf(canCopyMachine)('needs only its libraries, no network, no user and one folder to write', async () => {
    const { XDG_RUNTIME_DIR: _, ...env } = process.env
    place.write('lab.yaml', LAB.replaceAll(/: (certs|data)\b/g, ': /data/$1').replace('port: 0', 'port: 3025'))
    const isolated = ['--net', '--mount', '--pid', '--fork', '--kill-child', 'bash', ALONE, binary, place.folder]
    const { status, stdout, stderr } = await runProgram('unshare', isolated, { env: env as Record<string, string> })
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout.trim().split('\n')).toEqual([
      'ready',
      expect.stringMatching(/^alice +shop@lab\.test +alone$/),
      'all 2 ports are healthy',
      '-----BEGIN CERTIFICATE-----',
      expect.stringMatching(/^0 errors, /),
    ])
  })

  test.runIf(canCopyMachine)('says what to do where no add-on may be loaded', async () => {
    const script = `mkdir "$1/data" && mount -t tmpfs -o noexec tmpfs "$1/data" && cd "$1" && exec "$2" start --config lab.yaml`
    const mounted = ['--mount', '--fork', '--kill-child', 'bash', '-ec', script, '-', place.folder, binary]
    const { status, stderr } = await runProgram('unshare', mounted, {
      env: place.environment() as Record<string, string>,
    })
    expect(status).toBe(1)
    expect(stderr).toMatch(/add-on of LMDB cannot be loaded.*use a folder without noexec, or put lmdb\.node/)
  })
})
