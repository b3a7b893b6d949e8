import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { newFolder } from '../../../support/folder.ts'
import { runLimited } from '../../../support/run-program.ts'

/** The runner of BoringSSL's tests (`ssl/test/runner`), a program of Go's `go test -c`. Debian has no package of it. */
const runner = process.env.SEALPOST_BOGO_RUNNER
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Parts of names of tests that are not run, with the reason. left-out.json has single tests, the shim leaves out others. */
const leftOut: Readonly<Record<string, readonly string[]>> = {
  'the engine has no DTLS and no QUIC': ['DTLS', 'QUIC'],
  'node:tls serves TLS 1.3': ['TLS13', 'ECH', 'PSK', 'Hint', 'CertCompression', 'DelegatedCredential', 'PAKE', 'ALPS'],
  'the engine is a server': ['-Client', '-client'],
  'the engine has no groups: its suites have RSA or Diffie-Hellman in a prime field': ['CurveTest', 'Kyber', 'MLKEM'],
  'the engine has keys of RSA only': ['MLDSA', 'RawPublicKey'],
  'the engine does not read trust_anchors': ['TrustAnchor'],
}

interface Results {
  readonly tests: Readonly<Record<string, { readonly actual: 'PASS' | 'FAIL' | 'SKIP'; readonly error?: string }>>
}

it.skipIf(runner === undefined)(
  'BoringSSL’s client finds no broken rule in the engine',
  { timeout: 3_600_000 },
  async () => {
    const folder = newFolder()
    const [results, reasons] = [join(folder, 'results.json'), join(folder, 'reasons')]
    const skip = Object.values(leftOut)
      .flat()
      .map((part) => `*${part}*`)
    const args = ['-shim-path', here('shim.mjs'), '-shim-config', here('left-out.json'), '-skip', skip.join(';')]
    // The names of errors are BoringSSL's. The alerts that its client receives are checked all the same.
    const more = ['-allow-unimplemented', '-loose-errors', '-num-workers', '4', '-json-output', results]
    const env = { SEALPOST_BOGO_REASONS: reasons }
    const { status } = await runLimited(3000, runner as string, [...args, ...more], { env })
    const { tests } = JSON.parse(readFileSync(results, 'utf8')) as Results
    const named = (actual: string): string[] => Object.keys(tests).filter((name) => tests[name]?.actual === actual)
    const why = existsSync(reasons) ? readFileSync(reasons, 'utf8').trim().split('\n') : []
    console.log(table(named('PASS').length, why))
    expect(named('FAIL').map((name) => `${name}: ${tests[name]?.error}`)).toEqual([])
    expect(status).toBe(0)
    expect(named('PASS').length).toBeGreaterThan(100)
    // Each test that the shim left out has a reason. Some have several connections.
    expect(why.length).toBeGreaterThanOrEqual(named('SKIP').length)
  },
)

/** Returns the table of docs/old-clients.md. */
function table(passed: number, why: readonly string[]): string {
  const counts = [...new Set(why)].map((reason) => [reason, why.filter((one) => one === reason).length] as const)
  const rows = counts.toSorted(([, a], [, b]) => b - a).map(([reason, count]) => `| ${reason} | ${count} |`)
  return [`${passed} passed`, ...rows].join('\n')
}
