import type { Endpoint, EndpointReport, Finding } from './types.ts'

/** A finding that differs from the one of the run before. */
export interface Change {
  readonly endpoint: Endpoint
  /** Undefined if the check ran for the first time. */
  readonly before: Finding | undefined
  /** Undefined if the check no longer runs, for example because the port is closed. */
  readonly after: Finding | undefined
}

/** Returns the findings that changed between two runs: another outcome, or another reason for a warning or failure. */
export function changesBetween(before: readonly EndpointReport[], after: readonly EndpointReport[]): Change[] {
  const old = findingsByKey(before)
  const current = findingsByKey(after)
  return [...new Set([...old.keys(), ...current.keys()])].flatMap((key) => {
    const [was, is] = [old.get(key), current.get(key)]
    const endpoint = (is ?? was)?.endpoint
    return endpoint && isChanged(was?.finding, is?.finding)
      ? [{ endpoint, before: was?.finding, after: is?.finding }]
      : []
  })
}

interface Found {
  readonly endpoint: Endpoint
  readonly finding: Finding
}

const findingsByKey = (reports: readonly EndpointReport[]): Map<string, Found> =>
  new Map(
    reports.flatMap(({ endpoint, findings }) =>
      findings.map((finding) => [
        JSON.stringify([endpoint.title, endpoint.host, endpoint.port, endpoint.implicitTls, finding.check]),
        { endpoint, finding },
      ]),
    ),
  )

/** The words of other findings contain what differs from run to run, such as the days that a certificate has left. */
const hasStableReason = ({ outcome }: Finding): boolean => outcome === 'warn' || outcome === 'fail'

function isChanged(before: Finding | undefined, after: Finding | undefined): boolean {
  if (before?.outcome !== after?.outcome) return true
  return after !== undefined && hasStableReason(after) && before?.words !== after.words
}
