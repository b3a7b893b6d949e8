import { createHash } from 'node:crypto'
import { describe } from './report.ts'
import type { CheckOutcome, Endpoint, EndpointReport, Finding } from './types.ts'

/** What a SARIF report says about the run besides its findings. */
export interface SarifRun {
  /** Version of Sealpost. */
  readonly version: string
  /** Name and title of every check, in the order of the report. */
  readonly checks: readonly { readonly name: string; readonly title: string }[]
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly endedAt: number
}

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'

/** The level of a result. SARIF 2.1.0 section 3.27.10. */
const levels: Partial<Readonly<Record<CheckOutcome, string>>> = { fail: 'error', warn: 'warning' }

/** Formats the failures and warnings as SARIF 2.1.0, which code scanners and editors read. Each check is a rule. */
export function verifySarif(reports: readonly EndpointReport[], run: SarifRun): string {
  const rules = run.checks.map(({ name, title }) => ({ id: name, shortDescription: { text: title } }))
  const results = reports.flatMap(({ endpoint, findings }) =>
    findings.flatMap((finding) => {
      const level = levels[finding.outcome]
      return level === undefined ? [] : [result(endpoint, finding, level, run)]
    }),
  )
  const invocation = {
    executionSuccessful: true,
    startTimeUtc: new Date(run.startedAt).toISOString(),
    endTimeUtc: new Date(run.endedAt).toISOString(),
  }
  const driver = { name: 'sealpost verify', semanticVersion: run.version, rules }
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs: [{ tool: { driver }, invocations: [invocation], results }] }, undefined, 2)}\n`
}

function result(endpoint: Endpoint, { check, title, words }: Finding, level: string, run: SarifRun): object {
  const place = describe(endpoint)
  return {
    ruleId: check,
    ruleIndex: run.checks.findIndex(({ name }) => name === check),
    level,
    message: { text: `${place}: ${title}: ${words}` },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: addressOf(endpoint) } },
        logicalLocations: [{ fullyQualifiedName: place, kind: 'resource' }],
      },
    ],
    // The words of a finding can change from run to run, such as the days that a certificate has left.
    partialFingerprints: { 'endpointAndCheck/v1': createHash('sha256').update(`${place}\n${check}`).digest('hex') },
  }
}

/** Returns the address of an endpoint as a URI, such as `imap4://127.0.0.1:143`. */
function addressOf({ protocol, host, port, implicitTls }: Endpoint): string {
  return `${protocol}${implicitTls ? 's' : ''}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
