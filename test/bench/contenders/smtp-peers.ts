import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peerCertificate } from '../frame/certificate.ts'
import { findProgram, forkServer, freePort, packageVersion, spawnServer, versionOf } from '../frame/processes.ts'
import type { Contender, Target } from '../frame/types.ts'

export const bareSmtpServer: Contender = {
  name: 'smtp-server (npm), bare',
  version: () => packageVersion('smtp-server'),
  start: () => forkServer('bare-smtp-server'),
}

/** The same, but it keeps every message in memory. */
export const keepingSmtpServer: Contender = {
  ...bareSmtpServer,
  name: 'smtp-server (npm), keeping all messages',
  start: () => forkServer('bare-smtp-server', { keep: true }),
}

/** The same, with STARTTLS. */
export const bareStarttlsServer: Contender = {
  ...bareSmtpServer,
  start: () => forkServer('bare-smtp-server', peerCertificate()),
}

/** Postfix's test sink, in C. It does not look at messages. */
export const smtpSink: Contender = {
  name: 'smtp-sink (Postfix)',
  missing: () => (findProgram('smtp-sink') ? undefined : 'smtp-sink is not installed (Debian package postfix)'),
  version: () => versionOf('postconf', 'mail_version'),
  async start() {
    const port = await freePort()
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
    return spawnServer(findProgram('smtp-sink') ?? 'smtp-sink', [...user, `127.0.0.1:${port}`, '1000'], port)
  },
}

/** Installs MailDev 3 from the npm registry into a temporary folder, for this run only. */
export function installMailDev(): { command(smtp: number, web: number): string[]; folder: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
  const install = ['install', '--silent', '--no-audit', '--no-fund', '--prefix', folder, 'maildev@3']
  execFileSync('npm', install, { stdio: ['ignore', 'ignore', 'inherit'] })
  const program = ['dist/bin/maildev.js', 'bin/maildev']
    .map((file) => join(folder, 'node_modules/maildev', file))
    .find(existsSync)
  if (!program) throw new Error('maildev was installed but its program was not found')
  const places = ['--ip', '127.0.0.1', '--mail-directory', join(folder, 'mail'), '--silent']
  return {
    folder,
    command: (smtp, web) => [program, '--smtp', `${smtp}`, '--web', `${web}`, ...places],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export const mailDev: Contender = {
  name: 'maildev 3 (npm)',
  start: async () => startMailDev(await freePort(), await freePort()),
}

export async function startMailDev(port: number, httpPort: number): Promise<Target> {
  const { command, folder, remove } = installMailDev()
  const target = await spawnServer(process.execPath, command(port, httpPort), port, { cwd: folder })
  return {
    ...target,
    async stop() {
      await target.stop()
      remove()
    },
  }
}

/** Mailpit, in Go, if it is installed. */
export const mailpit: Contender = {
  name: 'Mailpit',
  missing: () => (findProgram('mailpit') ? undefined : 'mailpit is not installed'),
  version: () => versionOf('mailpit', 'version'),
  start: async () => startMailpit(await freePort(), await freePort()),
}

export function startMailpit(port: number, httpPort: number): Promise<Target> {
  const places = ['--smtp', `127.0.0.1:${port}`, '--listen', `127.0.0.1:${httpPort}`]
  // By default, Mailpit deletes the oldest messages beyond 500.
  const options = ['--max', '0', '--quiet', '--disable-version-check']
  return spawnServer(findProgram('mailpit') ?? 'mailpit', [...places, ...options], port)
}
