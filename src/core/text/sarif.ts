import { createHash } from 'node:crypto'

/** A run of a tool, as SARIF reports it. */
export interface SarifRun {
  /** Name of the tool. */
  readonly name: string
  /** Version of Sealpost. */
  readonly version: string
  /** The tool's rules. */
  readonly rules: readonly { readonly id: string; readonly text: string }[]
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly endedAt: number
}

/** A flaw that a run has found. */
export interface SarifResult {
  /** The id of a rule. */
  readonly rule: string
  /** SARIF 2.1.0 section 3.27.10. */
  readonly level: 'error' | 'warning'
  readonly text: string
  /** The place in words. Together with the rule, it identifies the flaw in the next run. */
  readonly place: string
  /** The place as a URI, such as `imap4://127.0.0.1:143`. */
  readonly uri: string
}

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'

/** Formats results as SARIF 2.1.0, which code scanners and editors read. */
export function sarifDocument(run: SarifRun, results: readonly SarifResult[]): string {
  const { name, rules, version: semanticVersion, startedAt, endedAt } = run
  const driver = { name, semanticVersion, rules: rules.map(({ id, text }) => ({ id, shortDescription: { text } })) }
  const invocation = {
    executionSuccessful: true,
    startTimeUtc: new Date(startedAt).toISOString(),
    endTimeUtc: new Date(endedAt).toISOString(),
  }
  const found = results.map((result) => resultObject(result, rules))
  const runs = [{ tool: { driver }, invocations: [invocation], results: found }]
  return `${JSON.stringify({ $schema: SCHEMA, version: '2.1.0', runs }, undefined, 2)}\n`
}

const resultObject = ({ rule, level, text, place, uri }: SarifResult, rules: SarifRun['rules']): object => ({
  ruleId: rule,
  ruleIndex: rules.findIndex(({ id }) => id === rule),
  level,
  message: { text },
  locations: [
    {
      physicalLocation: { artifactLocation: { uri } },
      logicalLocations: [{ fullyQualifiedName: place, kind: 'resource' }],
    },
  ],
  // The words of a flaw can change from run to run, such as the days that a certificate has left.
  partialFingerprints: { 'endpointAndCheck/v1': createHash('sha256').update(`${place}\n${rule}`).digest('hex') },
})
