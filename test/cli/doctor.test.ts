import { mkdirSync, readFileSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { packageFolder } from '../../src/core/files/package-files.ts'
import { workplaceOfEach } from '../support/sealpost.ts'

const place = workplaceOfEach()

const lab =
  'directory: { accounts: [{ user: alice, password: secret }] }\nvirtualServers: [{ protocol: smtp, port: 0 }]\n'

/** The optional packages that a test author installs. They are not loaded by the program. */
const forTests = ['@playwright/test', 'jest', 'mocha', 'testcontainers', 'vitest']

interface Doctor {
  readonly ok: boolean
  readonly findings: readonly { check: string; status: string; message: string; fix?: string }[]
}

async function doctor(...args: string[]): Promise<Doctor & { status: number | null }> {
  const { status, stdout } = await place.run(['doctor', '--config', 'lab.yaml', '--json', ...args])
  return { status, ...(JSON.parse(stdout) as Doctor) }
}

test('--version --json names the versions of the program and of every optional package', async () => {
  const { status, stdout } = await place.run(['--version', '--json'])
  expect((await place.run(['doctor', '--version', '--json'])).stdout).toBe(stdout)
  expect(status).toBe(0)
  const shown = JSON.parse(stdout)
  const { version, peerDependencies } = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8'))
  expect(shown).toMatchObject({ sealpost: version, node: process.versions.node, openssl: process.versions.openssl })
  const loaded = Object.keys(peerDependencies).filter((name) => !forTests.includes(name))
  expect(Object.keys(shown.optional).sort()).toEqual(loaded.sort())
  const lmdb = JSON.parse(readFileSync(join(packageFolder, 'node_modules/lmdb/package.json'), 'utf8'))
  expect(shown.optional.lmdb).toBe(lmdb.version)
  expect(await place.run(['--json', '-V'])).toMatchObject({ status: 0, stdout })
})

test('a good installation has no errors, and says how to start the lab', async () => {
  place.write('lab.yaml', lab)
  const { status, ok, findings } = await doctor()
  expect([status, ok]).toEqual([0, true])
  expect(findings).toContainEqual(expect.objectContaining({ check: 'configuration', status: 'ok' }))
  expect(findings).toContainEqual({
    check: 'lab',
    status: 'note',
    message: 'no lab of lab.yaml is running',
    fix: 'sealpost start --config lab.yaml',
  })
  const { stdout } = await place.run(['doctor', '--config', 'lab.yaml'])
  expect(stdout).toMatch(/^ok {7}program {8}Sealpost .*\n/)
  expect(stdout).toMatch(/\n\n0 errors, 0 warnings\n$/)
})

test('reports a running lab, and a root that this machine does not trust', async () => {
  place.write('lab.yaml', lab)
  await using _running = await place.start(['--config', 'lab.yaml'])
  const { findings } = await doctor()
  expect(findings).toContainEqual({
    check: 'lab',
    status: 'ok',
    message: 'a lab is running with 1 virtual server',
  })
  const trust = findings.find(({ check }) => check === 'trust')
  expect(trust).toMatchObject({ status: 'note', fix: expect.stringMatching(/^sealpost (trust install|ca export) --/) })
})

test('reports mistakes of the configuration with the other problems', async () => {
  place.write('lab.yaml', `${lab}hostnam: lab.test\n`)
  const { status, ok, findings } = await doctor()
  expect([status, ok]).toEqual([1, false])
  expect(findings).toContainEqual({
    check: 'configuration',
    status: 'error',
    message: expect.stringContaining('lab.yaml:3:1: hostnam'),
  })
  expect(findings).toContainEqual(expect.objectContaining({ check: 'machine' }))
})

test('reports a clock that is behind the files of the lab', async () => {
  const file = place.write('lab.yaml', lab)
  const inTwoDays = new Date(Date.now() + 2 * 86_400_000)
  utimesSync(file, inTwoDays, inTwoDays)
  const { status, findings } = await doctor()
  expect(status).toBe(1)
  expect(findings).toContainEqual(
    expect.objectContaining({
      check: 'clock',
      status: 'error',
      message: expect.stringContaining('lab.yaml was written'),
    }),
  )
})

test('reports a name of the lab that has no address', async () => {
  place.write('lab.yaml', `hostname: no-such-host.invalid\n${lab}`)
  const { status, findings } = await doctor()
  expect(status).toBe(0)
  expect(findings).toContainEqual(
    expect.objectContaining({
      check: 'names',
      status: 'note',
      fix: 'add to /etc/hosts: 127.0.0.1 no-such-host.invalid',
    }),
  )
})

test('reports a low limit of open files', async () => {
  place.write('lab.yaml', lab)
  const { stdout } = await place.runProcess(['doctor', '--config', 'lab.yaml', '--json'], { openFiles: 512 })
  expect((JSON.parse(stdout) as Doctor).findings).toContainEqual(
    expect.objectContaining({ check: 'machine', status: 'warning', fix: 'ulimit -n 2048' }),
  )
})

test('reports a folder in which no control socket can be created', async () => {
  place.write('lab.yaml', lab)
  const env = { XDG_RUNTIME_DIR: join(place.folder, 'lab.yaml') }
  const { status, stdout } = await place.run(['doctor', '--config', 'lab.yaml', '--json'], { env })
  expect(status).toBe(1)
  expect((JSON.parse(stdout) as Doctor).findings).toContainEqual(
    expect.objectContaining({ check: 'machine', status: 'error', fix: expect.stringContaining('XDG_RUNTIME_DIR') }),
  )
})

test('finds no fault with the folder of the control sockets of earlier labs', async () => {
  place.write('lab.yaml', lab)
  mkdirSync(join(place.folder, 'run/sealpost'), { recursive: true, mode: 0o700 })
  const env = { XDG_RUNTIME_DIR: join(place.folder, 'run') }
  const { stdout } = await place.run(['doctor', '--config', 'lab.yaml', '--json'], { env })
  expect((JSON.parse(stdout) as Doctor).findings).toContainEqual(
    expect.objectContaining({ check: 'machine', status: 'ok', message: expect.stringContaining('control socket') }),
  )
})
