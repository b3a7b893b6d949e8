import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { peerCertificate } from '../frame/certificate.ts'
import { findProgram, forkServer, freePort, spawnServer, versionOf } from '../frame/processes.ts'
import type { Contender } from '../frame/types.ts'

export const bareTls: Contender = {
  name: 'Node.js tls, bare',
  start: async () => forkServer('bare-tls', peerCertificate()),
}

export const opensslServer: Contender = {
  name: 'openssl s_server',
  missing: () => (findProgram('openssl') ? undefined : 'openssl is not installed'),
  version: () => versionOf('openssl', 'version'),
  async start() {
    const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
    const { key, cert, ca } = peerCertificate()
    writeFileSync(join(folder, 'key.pem'), key)
    writeFileSync(join(folder, 'cert.pem'), cert)
    const port = await freePort()
    const files = ['-key', join(folder, 'key.pem'), '-cert', join(folder, 'cert.pem')]
    const args = ['s_server', '-accept', `127.0.0.1:${port}`, ...files, '-quiet']
    const target = await spawnServer(findProgram('openssl') ?? 'openssl', args, port)
    return {
      ...target,
      ca,
      silent: true,
      async stop() {
        await target.stop()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
}
