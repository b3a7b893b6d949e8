import { seesLab } from '../../src/api/caller.ts'
import { releaseMessage } from '../../src/api/outgoing/release.ts'
import { ApiProblem } from '../../src/api/problem.ts'
import type { ResolvedLab } from '../../src/core/config/resolve.ts'
import type { Mail } from './delivered-mail.ts'
import type { RouteCall } from './routes.ts'

/** Returns the connectors that send mail, as a caller sees them: tenants and accounts see nothing of outgoing mail. */
export const sendingConnectors = ({ api, caller }: Pick<RouteCall, 'api' | 'caller'>): ResolvedLab['connectors'] =>
  seesLab(caller) ? api.lab.config.connectors.filter(({ when }) => when !== 'never') : []

/** @throws ApiProblem `not-offered` if the lab has no connectors */
export function assertSends({ api }: RouteCall): void {
  if (api.lab.config.connectors.length > 0) return
  throw new ApiProblem('not-offered', 'the lab does not send mail to other hosts; its configuration has no connectors')
}

/** Sends a message as `messages.release` does. @throws ApiProblem `conflict` if a connector refuses it, or none matches */
export async function release(
  { api }: RouteCall,
  { copies: [first] }: Mail,
  how: { readonly to: readonly string[]; readonly connector?: string | undefined },
): Promise<void> {
  await releaseMessage(api, first, { to: [...how.to], connector: how.connector, dryRun: false })
}
