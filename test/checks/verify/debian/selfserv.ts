import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newFolder } from '../../../support/folder.ts'
import { freePorts } from '../../../support/free-ports.ts'
import type { ServerIdentity } from '../authority.ts'
import { endServer, startServer } from './child.ts'

interface NssServer extends AsyncDisposable {
  /** HTTP in TLS. */
  readonly port: number
}

/** Starts selfserv, the test server of NSS (the TLS of Firefox and Thunderbird). @param versions such as `tls1.2:` */
export async function startSelfserv({ key, cert }: ServerIdentity, versions: string): Promise<NssServer> {
  const folder = newFolder()
  const [port = 0] = await freePorts(1)
  const run = (program: string, ...args: string[]) => execFileSync(program, args, { cwd: folder, stdio: 'ignore' })
  writeFileSync(join(folder, 'all.pem'), `${key}${cert}`, { mode: 0o600 })
  run('certutil', '-N', '-d', 'sql:.', '--empty-password')
  run('openssl', 'pkcs12', '-export', '-in', 'all.pem', '-name', 'server', '-out', 'all.pfx', '-passout', 'pass:nss')
  run('pk12util', '-i', 'all.pfx', '-d', 'sql:.', '-W', 'nss')
  const args = ['-d', 'sql:.', '-n', 'server', '-p', String(port), '-V', versions]
  const child = await startServer('selfserv', args, port, { cwd: folder })
  return {
    port,
    async [Symbol.asyncDispose]() {
      await endServer(child, 'SIGKILL')
    },
  }
}
