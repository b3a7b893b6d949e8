import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../frame/processes.ts'

const program = fileURLToPath(new URL('../../../../dist/src/cli/main.js', import.meta.url))

/** `sealpost start` as a user runs it: four protocols, three of them with TLS ports. */
interface StartCommand {
  /** The arguments of Node.js. */
  readonly args: readonly string[]
  /** Port of the SMTP virtual server. */
  readonly port: number
  readonly remove: () => void
}

/** Prepares `sealpost start`. @param kept keeps the certificates from one start to the next; otherwise each start creates them */
export async function startCommand(kept: boolean): Promise<StartCommand> {
  if (!existsSync(program)) throw new Error('dist/ is missing: run npm run build first')
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
  const port = await freePort()
  const file = join(folder, 'lab.yaml')
  const others = ['pop3', 'imap4', 'nntp'].map((protocol) => `  - { protocol: ${protocol}, port: 0, tlsPort: 0 }\n`)
  const certificates = kept ? join(folder, 'certs') : 'memory'
  const accounts = 'directory: { accounts: [{ user: alice, password: secret }] }\n'
  writeFileSync(
    file,
    `certificates: ${certificates}\n${accounts}virtualServers:\n  - { protocol: smtp, port: ${port} }\n${others.join('')}`,
  )
  const args = [program, 'start', '--config', file, '--log-level', 'error']
  return { args, port, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
