import type { Command } from 'commander'
import { withConfig } from '../configuration.ts'
import { note, print } from '../output.ts'
import { requestSummary } from './request.ts'
import { type RequestFlags, requestOptions, withRequestOptions } from './request-options.ts'
import { withPki } from './session.ts'

interface IssueFlags extends RequestFlags {
  readonly authority?: string
}

/** `sealpost cert issue`: sends the request to an online authority at once. */
export function addIssue(cert: Command): void {
  withRequestOptions(withConfig(cert.command('issue')))
    .description("send a request to one of the lab's authorities at once and install the answer")
    .option('--authority <name>', 'the authority (default: the one that issues for certificate: auto)')
    .option('--json', 'print JSON')
    .action(issue)
}

function issue(flags: IssueFlags): Promise<void> {
  return withPki(flags, async ({ certificates }) => {
    const planned = await certificates.plan(requestOptions(flags))
    for (const warning of planned.warnings) note(`warning: ${warning}`)
    if (!flags.json) print(requestSummary(planned))
    const outcome = await certificates.issuePlanned(planned, flags.authority)
    const { authority } = outcome
    const virtualServer = planned.virtualServer.name
    if (outcome.state === 'issued') {
      const { thumbprint, friendlyName, notAfter } = outcome.record
      if (flags.json)
        return print(JSON.stringify({ state: 'issued', authority, virtualServer, thumbprint, friendlyName, notAfter }))
      return print(
        `\n"${authority}" issued the certificate; it is installed on "${virtualServer}" (thumbprint ${thumbprint}).`,
      )
    }
    if (flags.json) return print(JSON.stringify({ state: 'queued', authority, virtualServer, id: outcome.id }))
    print(
      `\n"${authority}" is a standalone authority and does not answer at once: the request waits there as number ${outcome.id}.\n` +
        `Approve it with: sealpost ca approve ${outcome.id}\nThen install it with: sealpost cert install --pending`,
    )
  })
}
