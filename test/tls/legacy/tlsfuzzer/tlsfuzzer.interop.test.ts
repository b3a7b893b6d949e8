import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from '../../../support/folder.ts'
import { runLimited } from '../../../support/run-program.ts'

/**
 * A folder with `scripts` and `tlsfuzzer` of github.com/tlsfuzzer/tlsfuzzer, and `tlslite` of github.com/tlsfuzzer/tlslite-ng.
 * Debian has python3-ecdsa, which they need.
 */
const fuzzer = process.env.SEALPOST_TLSFUZZER
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

interface Table {
  /** Further arguments of scripts. `-e` leaves out a single connection. */
  readonly arguments: Readonly<Record<string, { readonly words: readonly string[]; readonly why: string }>>
  /** Scripts by the reason why they do not apply. */
  readonly leftOut: Readonly<Record<string, readonly string[]>>
}
const table = JSON.parse(readFileSync(here('scripts.json'), 'utf8')) as Table
const leftOut = Object.values(table.leftOut).flat()

/** The scripts for versions up to TLS 1.2, without `test-` and `.py`. */
const scripts = (fuzzer === undefined ? [] : readdirSync(join(fuzzer, 'scripts')))
  .flatMap((file) => /^test-(?!tls13)(.+)\.py$/.exec(file)?.[1] ?? [])
  .filter((name) => !leftOut.includes(name))

describe.skipIf(fuzzer === undefined)('tlsfuzzer finds no broken rule in the engine', () => {
  let folder: string
  let server: ChildProcess
  let port = ''
  beforeAll(async () => {
    folder = newFolder()
    const files = ['-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=localhost']
    execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-noenc', ...files], {
      cwd: folder,
      stdio: 'ignore',
    })
    const args = [here('../../../../dist'), join(folder, 'key.pem'), join(folder, 'cert.pem')]
    server = spawn(process.execPath, [here('server.mjs'), ...args], { stdio: ['pipe', 'pipe', 'inherit'] })
    ;[port] = (await once(createInterface({ input: server.stdout as NodeJS.ReadableStream }), 'line')) as [string]
  })
  afterAll(async () => {
    const ended = once(server, 'exit')
    server.kill()
    await ended
  })

  it.concurrent.each(scripts)('%s', { timeout: 900_000 }, async (name) => {
    // Of many similar connections, 20 are enough.
    const args = [`scripts/test-${name}.py`, '-p', port, '-n', '20', ...(table.arguments[name]?.words ?? [])]
    const options = { cwd: fuzzer as string, env: { PYTHONPATH: '.' } }
    const { status, stdout } = await runLimited(600, '/usr/bin/python3', args, options)
    const output = status === 0 ? 'passed' : `${status}: ${stdout.split('\n').slice(-40).join('\n')}`
    expect(output).toBe('passed')
  })
})
