import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../src/testing/index.ts'
import { LineClient } from '../support/line-client.ts'
import { mainFile, Workplace } from '../support/sealpost.ts'

// Root may read and write everything, so a lab with wrong permissions runs as another user.

const NOBODY = 65_534
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

const CONFIG =
  'certificates: { store: certs, key: p256 }\nstore: { lmdb: data }\ndirectory: { mode: open }\nvirtualServers: [{ protocol: smtp, port: 0 }]\n'
const place = new Workplace()

function sealpost(...args: string[]) {
  const env = place.environment()
  const { status, signal, stderr } = spawnSync(process.execPath, [mainFile, ...args], {
    cwd: place.folder,
    env,
    ...user,
    encoding: 'utf8',
    timeout: 60_000,
    killSignal: 'SIGKILL',
  })
  return { status, signal, stderr }
}

/** Whether the other user can run the program at all: a checkout may be in a folder of root. */
const canRun = process.platform !== 'win32' && sealpost('--version').status === 0

function give(path: string): void {
  if (user.uid !== undefined) chownSync(path, NOBODY, NOBODY)
  if (statSync(path).isDirectory()) for (const name of readdirSync(path)) give(join(path, name))
}

describe.runIf(canRun)('a lab without permission', () => {
  beforeAll(async () => {
    const file = place.write('lab.yaml', CONFIG)
    {
      await using lab = await startLab(file, {})
      await lab.deliver({ subject: 'kept', text: 'x' }, 'alice')
    }
    give(place.folder)
    expect(sealpost('store', 'check', '--config', file)).toMatchObject({ status: 0 })
  })

  /** A lab that runs as the other user, with what it logs. */
  async function running() {
    const args = [mainFile, 'start', '--json', '--config', join(place.folder, 'lab.yaml')]
    const child = spawn(process.execPath, args, { cwd: place.folder, env: place.environment(), ...user })
    const log: string[] = []
    child.stderr.on('data', (octets: Buffer) => log.push(octets.toString()))
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    return {
      port: (JSON.parse(line.toString()) as { endpoints: [{ port: number }] }).endpoints[0].port,
      async end(): Promise<string> {
        child.kill('SIGTERM')
        await once(child, 'close')
        return log.join('')
      },
    }
  }

  it('to write temporary files starts, and says what to do', async () => {
    const path = join(place.folder, 'data', 'spool')
    chmodSync(path, 0o500)
    const lab = await running()
    chmodSync(path, 0o700)
    expect(await lab.end()).toMatch(/the folder [^"]*spool cannot be written: permission denied; run the command as/)
  })

  it('to write temporary files any more names the file, and what to do, when a large message arrives', async () => {
    const path = join(place.folder, 'data', 'spool')
    const lab = await running()
    chmodSync(path, 0o500)
    const client = await LineClient.open(lab.port)
    const words = ['EHLO me', 'MAIL FROM:<a@b.test>', 'RCPT TO:<alice@localhost>', 'DATA']
    for (const one of words) {
      client.send(`${one}\r\n`)
      await client.lines((line) => /^\d{3} /.test(line) && !line.startsWith('220'))
    }
    client.send(`Subject: x\r\n\r\n${'line\r\n'.repeat(50_000)}.\r\n`)
    expect(await client.line()).toMatch(/^4\d\d /)
    client.destroy()
    chmodSync(path, 0o700)
    expect(await lab.end()).toMatch(/cannot be used: permission denied; run the command as .*spool\/\w+\.part/)
  })

  const key = (): string => join('certs', 'keys', readdirSync(join(place.folder, 'certs', 'keys'))[0] ?? '')

  it.each<[string, () => string, number, number?, string?]>([
    ['to read the configuration', () => 'lab.yaml', 0, 2],
    // The line of the configuration names the folder.
    ['to open the folder of the store', () => 'data', 0, 1, 'lab.yaml:2:16: store.lmdb: the folder'],
    ['to read the messages', () => 'data/messages.mdb', 0],
    ['to change the messages', () => 'data/messages.mdb', 0o400],
    ['to open the folder of certificates', () => 'certs', 0],
    ['to read the index of certificates', () => 'certs/store.json', 0],
    ['to read a private key', key, 0],
  ])('%s says which file, and ends', (_, at, mode, status = 1, says = at().replace(/.*\//, '')) => {
    const path = join(place.folder, at())
    const before = statSync(path).mode
    chmodSync(path, mode)
    const result = sealpost('start', '--config', join(place.folder, 'lab.yaml'))
    chmodSync(path, before)
    expect([at(), result]).toEqual([at(), { status, signal: null, stderr: expect.stringContaining(says) }])
    expect(result.stderr).toMatch(/permission|writable/i)
    expect(result.stderr).not.toMatch(/^ {4}at /m)
  })
})
