import { summarize } from '../../../src/checks/verify/report.ts'
import { verifyEndpoints } from '../../../src/checks/verify/run.ts'
import { hostEndpoints } from '../../../src/checks/verify/targets.ts'
import type { Finding, VerifyOptions } from '../../../src/checks/verify/types.ts'
import type { FaultProtocol } from '../../../src/core/config/schema/protocol.ts'

interface Inspected {
  /** The first line of the report. */
  readonly verdict: string
  readonly findings: readonly Finding[]
  /** Names of the checks that failed. */
  readonly failed: readonly string[]
  /** Returns the outcome and words of a check. @throws if the check did not run */
  readonly words: (check: string) => string
}

export interface InspectOptions extends Partial<VerifyOptions> {
  /** Default: 127.0.0.1. */
  readonly host?: string
  readonly implicitTls?: boolean
  readonly serverName?: string
  readonly requireSecureChannel?: boolean
}

/** Verifies one port like `sealpost verify localhost --protocol P --port N`. */
export async function inspect(protocol: FaultProtocol, port: number, options: InspectOptions): Promise<Inspected> {
  const {
    host = '127.0.0.1',
    implicitTls = false,
    serverName = 'localhost',
    requireSecureChannel = false,
    ...more
  } = options
  const [endpoint] = hostEndpoints({
    host,
    protocols: [protocol],
    port,
    implicitTls,
    serverName,
    requireSecureChannel,
  })
  if (!endpoint) throw new Error('no endpoint')
  const reports = await verifyEndpoints([endpoint], { timeoutMs: 5_000, now: () => Date.now(), ...more })
  const findings = reports[0]?.findings ?? []
  return {
    verdict: summarize(reports).verdict,
    findings,
    failed: findings.filter(({ outcome }) => outcome === 'fail').map(({ check }) => check),
    words(check) {
      const found = findings.find((finding) => finding.check === check)
      if (!found) throw new Error(`no check ${check}`)
      return `${found.outcome}: ${found.words}`
    },
  }
}
