import { type SarifResult, type SarifRun, sarifDocument } from '../../core/text/sarif.ts'
import { describe } from './report.ts'
import type { CheckOutcome, Endpoint, EndpointReport } from './types.ts'

/** The parts of a SARIF report besides the findings. */
interface VerifyRun extends Omit<SarifRun, 'name' | 'rules'> {
  /** Name and title of every check, in the order of the report. */
  readonly checks: readonly { readonly name: string; readonly title: string }[]
}

const levels: Partial<Readonly<Record<CheckOutcome, SarifResult['level']>>> = { fail: 'error', warn: 'warning' }

/** Formats the failures and warnings as SARIF 2.1.0. Each check is a rule. */
export function verifySarif(reports: readonly EndpointReport[], { checks, ...run }: VerifyRun): string {
  const results = reports.flatMap(({ endpoint, findings }) =>
    findings.flatMap(({ check: rule, outcome, title, words }): SarifResult[] => {
      const level = levels[outcome]
      const place = describe(endpoint)
      if (level === undefined) return []
      return [{ rule, level, text: `${place}: ${title}: ${words}`, place, uri: addressOf(endpoint) }]
    }),
  )
  const rules = checks.map(({ name, title }) => ({ id: name, text: title }))
  return sarifDocument({ ...run, name: 'sealpost verify', rules }, results)
}

/** Returns the address of an endpoint as a URI, such as `imap4://127.0.0.1:143`. */
function addressOf({ protocol, host, port, implicitTls }: Endpoint): string {
  // RFC 6874: the zone of a link-local address.
  const name = host.includes(':') ? `[${host.replace('%', '%25')}]` : host
  return `${protocol}${implicitTls ? 's' : ''}://${name}:${port}`
}
