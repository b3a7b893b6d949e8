import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

/** The runner of BoringSSL's tests (`ssl/test/runner`), a program of Go's `go test -c`. Debian has no package of it. */
const runner = process.env.SEALPOST_BOGO_RUNNER
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Tests of what the engine is not: DTLS, QUIC, TLS 1.3, clients. The shim leaves out the rest by itself (status 89). */
const skipped = ['DTLS', 'QUIC', 'TLS13', '-Client', '-client', 'ECH', 'DelegatedCredential', 'PAKE', 'RawPublicKey']
  .concat(['TrustAnchor', 'PSK', 'ALPS', 'CertCompression', 'MLDSA', 'MLKEM', 'Hint', 'CurveTest', 'Kyber'])
  .map((part) => `*${part}*`)

it.skipIf(runner === undefined)(
  'BoringSSL’s client finds no broken rule in the engine',
  { timeout: 3_600_000 },
  async () => {
    const args = ['-shim-path', here('shim.mjs'), '-shim-config', here('left-out.json'), '-skip', skipped.join(';')]
    // The names of errors are BoringSSL's. The alerts that its client receives are checked all the same.
    const child = spawn(runner as string, [...args, '-allow-unimplemented', '-loose-errors', '-num-workers', '4'])
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
    const [status] = await once(child, 'close')
    expect(output.match(/^FAILED .*$/gm) ?? []).toEqual([])
    expect(status).toBe(0)
    expect(output.match(/^PASSED /gm)?.length).toBeGreaterThan(100)
  },
)
