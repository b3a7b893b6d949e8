import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { standardPorts } from '../../src/core/config/schema.ts'
import { freeOffset } from '../support/free-ports.ts'
import { needs } from '../support/programs.ts'
import { mainFile, Workplace } from '../support/sealpost.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(join(repository, 'README.md'), 'utf8')

/** Returns the code blocks of a section. */
function blocks(section: string, language: string): string[] {
  const text = readme.split(/^## /m).find((part) => part.startsWith(section)) ?? ''
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code as string)
}

let place: Workplace
beforeEach(() => {
  place = new Workplace()
})
afterEach(() => place.remove())

/** The ports of the HTTP virtual server in config/default.yaml. */
const httpPorts = [5025, 5443]

const ports = Object.values(standardPorts).flatMap(({ port, tlsPort }) =>
  tlsPort === 'off' ? [port] : [port, tlsPort],
)

test.skipIf(!needs('swaks', 'curl', 'openssl'))('the first send and read work as they are printed', async () => {
  const offset = await freeOffset([...ports, ...httpPorts])
  const env = { SEALPOST_PORT_OFFSET: String(offset), SEALPOST_CERTIFICATES: join(place.folder, 'certs') }
  await using _running = await place.start([], { env })
  const script = blocks('A first send', 'sh')
    .join('\n')
    .replaceAll('npx sealpost', `${process.execPath} ${mainFile}`)
    .replaceAll(/localhost:3(\d{3})/g, (_, port: string) => `localhost:${Number(port) + offset}`)
  expect(script).toContain('swaks')
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: place.folder,
    encoding: 'utf8',
    env: { ...process.env, ...env, XDG_DATA_HOME: join(place.folder, 'data') },
  })
  expect([status, stderr.includes('verify error')]).toEqual([0, false])
  expect(stdout.match(/^Subject: Hello\r?$/gm)).toHaveLength(2)
  expect(stdout).toMatch(/^211 0 1 0 lab\.general\r?$/m)
})

test('the first test passes as it is printed', () => {
  const [code] = blocks('A first test', 'js')
  const file = place.write('mail.test.mjs', code as string)
  const modules = join(place.folder, 'node_modules')
  mkdirSync(modules)
  symlinkSync(repository, join(modules, 'sealpost'))
  for (const name of ['nodemailer', 'imapflow'])
    symlinkSync(join(repository, 'node_modules', name), join(modules, name))
  const { status, stdout } = spawnSync(process.execPath, ['--test', file], { cwd: place.folder, encoding: 'utf8' })
  expect(stdout).toMatch(/pass 1\n/)
  expect(status).toBe(0)
})

test('every file it points to is there', () => {
  const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, link]) => link as string)
  const missing = links.filter((link) => !existsSync(join(repository, link)))
  expect(missing).toEqual([])
})

test('every command it lists is there', async () => {
  const { stdout } = await place.run(['--help'])
  const table = readme.split('## Commands')[1]?.split('## ')[0] ?? ''
  const named = [...table.matchAll(/^\| (`[^|]*`) \|/gm)].flatMap(([, cell]) => [
    ...(cell as string).matchAll(/`([\w-]+)/g),
  ])
  expect(named.length).toBeGreaterThan(5)
  for (const [, command] of named) expect(stdout).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'))
})
