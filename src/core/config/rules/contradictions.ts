import type { Mistake } from '../mistakes.ts'
import type { LabConfig } from '../schema.ts'
import { accessRules } from './access.ts'
import { accountRules } from './accounts.ts'
import { certificateRules } from './certificates.ts'
import { clusterRules } from './cluster.ts'
import { connectorRules } from './connectors.ts'
import { mailAuthenticationRules } from './mail-authentication.ts'
import { newsRules } from './news.ts'
import { portRules } from './ports.ts'
import type { Rule } from './rule.ts'
import { tlsRules } from './tls.ts'

const rules: readonly Rule[] = [
  ...certificateRules,
  ...portRules,
  ...accessRules,
  ...accountRules,
  ...tlsRules,
  ...newsRules,
  ...mailAuthenticationRules,
  ...connectorRules,
  ...clusterRules,
]

/** Returns every contradiction between keys; each message says how to resolve it. */
export function contradictions(config: LabConfig): Mistake[] {
  return rules.flatMap((rule) => [...rule(config)])
}
