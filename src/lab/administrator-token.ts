import { randomBytes } from 'node:crypto'
import { needsAdministratorToken } from '../core/config/http-access.ts'
import type { ResolvedLab } from '../core/config/resolve.ts'
import type { SharedValues } from '../core/values/shared-values.ts'

/** The name of the token that the lab generates. */
const GENERATED = 'administrator'

/** Generates the token of an administrator, unless the lab or another of its nodes has one. */
export async function claimAdministratorToken(values: SharedValues): Promise<void> {
  await values.map<string>('tokens').claim(GENERATED, randomBytes(24).toString('base64url'))
}

/**
 * Returns the generated token if nobody else could administer the lab over HTTP; undefined if the configuration names someone.
 * It is the same after each reload and on all nodes that share the lab's database. Another lab has another after each start.
 */
export const administratorToken = (config: ResolvedLab, values: SharedValues): string | undefined =>
  needsAdministratorToken(config) ? values.map<string>('tokens').get(GENERATED) : undefined
