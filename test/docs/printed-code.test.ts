import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { standardPorts } from '../../src/core/config/schema.ts'
import { freeOffset } from '../support/free-ports.ts'
import { needs } from '../support/programs.ts'
import { mainFile, workplaceOfEach } from '../support/sealpost.ts'

const repository = fileURLToPath(new URL('../../', import.meta.url))
const read = (page: string): string => readFileSync(join(repository, page), 'utf8')

/** Returns the code blocks of a page, except those marked as examples. */
const blocks = (page: string, language: string): string[] =>
  [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))]
    .map(([, code]) => code as string)
    .filter((code) => !code.startsWith('# Example\n'))

const place = workplaceOfEach()

/** The ports of the HTTP virtual server in config/default.yaml. */
const httpPorts = [5025, 5443]

const ports = Object.values(standardPorts).flatMap(({ port, tlsPort }) =>
  tlsPort === 'off' ? [port] : [port, tlsPort],
)

test.skipIf(!needs('swaks', 'curl', 'openssl'))('the commands of the tutorial work as they are printed', async () => {
  const offset = await freeOffset([...ports, ...httpPorts])
  const env = { SEALPOST_PORT_OFFSET: String(offset), SEALPOST_CERTIFICATES: join(place.folder, 'certs') }
  await using _running = await place.start([], { env })
  const script = blocks('docs/tutorial.md', 'sh')
    .join('\n')
    .replaceAll(/^(.*?)\s+# fails: .*$/gm, 'if $1; then exit 9; fi')
    .replaceAll('npx sealpost', `'${process.execPath}' '${mainFile}'`)
    .replaceAll(/localhost:3(\d{3})/g, (_, port: string) => `localhost:${Number(port) + offset}`)
  expect(script).toContain('swaks')
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: place.folder,
    encoding: 'utf8',
    env: place.environment(env),
  })
  expect([status, stderr.includes('verify error')], stderr).toEqual([0, false])
  expect(stdout.match(/^Subject: Hello\r?$/gm)).toHaveLength(2)
  expect(stdout).toMatch(/^211 0 1 0 lab\.general\r?$/m)
  expect(stdout).toMatch(/^Subject: +By swaks$/m)
  expect(stderr).toMatch(/^Peer certificate: O=My company, CN=localhost$/m)
  expect(stderr).toMatch(/^Verification: OK$/m)
  expect(stdout).toContain('the client does not trust the issuer (alert 48)')
})

test.each(['README.md', 'docs/tutorial.md'])('the test in %s passes as it is printed', (page) => {
  const [code] = blocks(page, 'js')
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
