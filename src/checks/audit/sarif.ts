import { type SarifResult, type SarifRun, sarifDocument } from '../../core/text/sarif.ts'
import { badServers, hostnameOf } from './bad-servers.ts'
import { resultText } from './report.ts'
import type { AuditResult, Verdict } from './types.ts'

const levels: Partial<Readonly<Record<Verdict, SarifResult['level']>>> = {
  unsafe: 'error',
  unable: 'error',
  lax: 'warning',
}

/** Formats the results that are not safe as SARIF 2.1.0. Each bad server is a rule. */
export function auditSarif(results: readonly AuditResult[], run: Omit<SarifRun, 'name' | 'rules'>): string {
  const found = results.flatMap((result): SarifResult[] => {
    const { name, protocol, form, verdict } = result
    const level = levels[verdict]
    if (level === undefined) return []
    const place = `${name} ${protocol} ${form}`
    const uri = `${protocol}${form === 'implicit' ? 's' : ''}://${hostnameOf(name)}`
    return [{ rule: name, level, text: `${place}: ${verdict}: ${resultText(result)}`, place, uri }]
  })
  const rules = badServers.map(({ name, meaning }) => ({ id: name, text: meaning }))
  return sarifDocument({ ...run, name: 'sealpost audit', rules }, found)
}
