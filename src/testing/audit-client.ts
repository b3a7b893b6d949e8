import { AuditError, type AuditOptions, type AuditResult, type Client } from '../checks/audit/index.ts'

/**
 * Runs a client against the bad servers in a new lab, one run per port. Before that, control runs against a good server
 * show that the client works: without one that succeeds, nothing is judged.
 * @throws if a name in `options` is unknown; AuditError if nothing could be tested
 */
export async function auditClient(client: Client, options: AuditOptions = {}): Promise<AuditResult[]> {
  const [{ nothingTested, runAudit }, { openQuietLab }] = await Promise.all([
    import('../checks/audit/index.ts'),
    import('../lab/create-lab.ts'),
  ])
  const { results } = await runAudit(client, options, openQuietLab)
  const [first] = results
  if (!first || results.some(({ verdict }) => verdict !== 'untested')) return [...results]
  throw new AuditError(nothingTested(first))
}
