import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { splitPem } from '../../../../src/tls/pki/system-roots.ts'
import { newFolder } from '../../../support/folder.ts'
import { freePorts } from '../../../support/free-ports.ts'
import type { ServerIdentity } from '../authority.ts'
import { endServer, startServer } from './child.ts'

export interface OpensslServer extends AsyncDisposable {
  /** Implicit TLS; the server sends no greeting. */
  readonly port: number
}

/** Starts `openssl s_server` with further options. @param files contents of files that the options name, in its folder */
export async function startOpenssl(
  { key, cert }: Pick<ServerIdentity, 'key' | 'cert'>,
  options: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Promise<OpensslServer> {
  const folder = newFolder()
  const [port = 0] = await freePorts(1)
  const [, ...issuers] = splitPem(cert)
  for (const [name, text] of Object.entries({
    'key.pem': key,
    'cert.pem': cert,
    'chain.pem': issuers.join('\n'),
    ...files,
  })) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  const args = ['s_server', '-accept', `127.0.0.1:${port}`, '-key', 'key.pem', '-cert', 'cert.pem']
  const chain = issuers.length > 0 ? ['-cert_chain', 'chain.pem'] : []
  const child = await startServer('openssl', [...args, ...chain, '-quiet', ...options], port, {
    cwd: folder,
    // At the end of its input, it would close the connection.
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  return {
    port,
    async [Symbol.asyncDispose]() {
      await endServer(child)
    },
  }
}

/** Creates a self-signed certificate for localhost with a key that only OpenSSL can generate. */
export function selfSignedByOpenssl(algorithm: string): Pick<ServerIdentity, 'key' | 'cert'> {
  const folder = newFolder()
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-days', '30']
  const request = ['req', '-x509', '-newkey', algorithm, '-noenc', '-keyout', 'key.pem', '-out', 'cert.pem', ...names]
  execFileSync('openssl', request, { cwd: folder, stdio: 'ignore' })
  const read = (name: string): string => execFileSync('cat', [join(folder, name)], { encoding: 'utf8' })
  return { key: read('key.pem'), cert: read('cert.pem') }
}
