import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startLab } from '../../../../src/testing/start-lab.ts'
import { legacySuites } from '../../../../src/tls/legacy/suites.ts'
import { newFolder } from '../../../support/folder.ts'
import { run } from '../../../support/openssl.ts'
import { needs } from '../../../support/programs.ts'
import { dialogs } from './dialogs.ts'
import { oldOpenssl } from './peers.ts'

const folder = newFolder()

describe.skipIf(!needs('tshark') || !oldOpenssl.available())('the secrets of a capture', () => {
  it('let tshark decrypt both directions in every suite and version', async () => {
    const file = join(folder, 'old.pcapng')
    await using lab = await startLab({
      testing: { packets: { file, secrets: true } },
      virtualServers: [{ protocol: 'pop3', tls: { legacy: legacySuites.map(({ name }) => name) } }],
    })
    const root = join(folder, 'root.pem')
    writeFileSync(root, await lab.certificates.oldClientRootPem())
    const { before } = dialogs.implicit
    const jobs = oldOpenssl.versions.flatMap((version) =>
      legacySuites
        .filter(({ id }) => oldOpenssl.suites.includes(id))
        .map((suite) => ({
          port: lab.server('pop3').tlsPort,
          version,
          suite,
          before,
          after: ['E+OK', 'SUSER alice\r\n', 'E+OK', 'SQUIT\r\n', 'E+OK'] as const,
        })),
    )
    const results = await oldOpenssl.run(jobs, root, folder)
    expect(results.filter((result) => !result.startsWith('ok'))).toEqual([])
    const asTls = ['-d', `tcp.port==${lab.server('pop3').tlsPort},tls`]
    const streams = jobs.flatMap((_, stream) => ['-z', `follow,tls,ascii,${stream}`])
    const { stdout } = await run('tshark', ['-r', file, ...asTls, ...streams, '-q'])
    const followed = new Map(stdout.split('Filter: tcp.stream eq ').map((text) => [Number.parseInt(text, 10), text]))
    for (const [stream, { suite, version }] of jobs.entries()) {
      const words = `${suite.name} ${version}: ${followed.get(stream)}`
      expect(words).toContain('USER alice')
      expect(words).toContain('OK send PASS')
    }
  })
})
