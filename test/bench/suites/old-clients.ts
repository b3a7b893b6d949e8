import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { legacySuites } from '../../../src/tls/legacy/suites.ts'
import { MESSAGE_OCTETS, oldLab } from '../contenders/old-lab.ts'
import type { RateSuite, Target, Workload } from '../frame/types.ts'

const run = promisify(execFile)
/** Node.js 0.10 with OpenSSL 1.0.1g, which has every suite except the EXPORT1024 ones. */
const oldNode = (): string =>
  execFileSync('node', ['scripts/fetch-clients.mjs', 'old-node'], { encoding: 'utf8' }).trim()

async function load({ port, ca }: Target, suite: string, counted: string, untilMs: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-bench-'))
  const root = join(folder, 'root.pem')
  try {
    writeFileSync(root, ca ?? '')
    const ms = String(Math.round(untilMs - performance.now()))
    const args = ['test/bench/programs/old-load.cjs', String(port), root, suite, counted, ms]
    return Number((await run(oldNode(), args)).stdout)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const workloads = legacySuites
  .filter(({ exchange }) => exchange !== 'rsa-export1024')
  .flatMap(({ name, opensslName }): Workload[] => [
    {
      name: `handshake, ${name}`,
      unit: 'handshakes',
      run: (target, untilMs) => load(target, opensslName, 'handshakes', untilMs),
    },
    {
      name: `RETR of 4 MB, ${name}`,
      unit: 'MB',
      run: async (target, untilMs) => (await load(target, opensslName, 'octets', untilMs)) / 1e6,
    },
  ])

export const suite: RateSuite = {
  kind: 'rates',
  title: 'Old clients over TLS 1.0 (OpenSSL 1.0.1g)',
  contenders: [oldLab('Sealpost', { legacy: true, octets: MESSAGE_OCTETS, root: 'old' })],
  workloads,
}
