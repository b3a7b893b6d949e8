import type { Command } from 'commander'
import type { Certificates } from '../../pki/certificates.ts'
import type { PlannedRequest } from '../../pki/lifecycle/request.ts'
import { formatGeneralName } from '../../pki/x509/general-names.ts'
import { withConfig } from '../configuration.ts'
import { checkOutput, writeOutput } from '../files.ts'
import { note, print } from '../output.ts'
import { type RequestFlags, requestOptions, withRequestOptions } from './request-options.ts'
import { withPki } from './session.ts'
import { nameText, page } from './show-text.ts'

interface RequestCommandFlags extends RequestFlags {
  readonly out: string
  readonly microsoft?: boolean
}

/** The wizard's summary page. */
export const requestSummary = (planned: PlannedRequest): string =>
  page([
    ['Virtual server', planned.virtualServer.name],
    ['Friendly name', planned.friendlyName],
    ['Issued to', nameText(planned.subject)],
    ['Names', planned.names.map(formatGeneralName)],
    ['Key', planned.key],
  ])

/** `sealpost cert request`: prepares a request to be sent later. */
export function addRequest(cert: Command): void {
  withRequestOptions(withConfig(cert.command('request')))
    .description('prepare a request to send to an authority; it stays pending for the virtual server')
    .option('--microsoft', 'as the wizard of Windows Server 2003 wrote it')
    .option('--out <file>', 'the file to write, - for standard output', 'certreq.txt')
    .option('--json', 'print JSON')
    .action((flags: RequestCommandFlags) => withPki(flags, ({ certificates }) => request(certificates, flags)))
}

async function request(certificates: Certificates, flags: RequestCommandFlags): Promise<void> {
  const options = { ...requestOptions(flags), microsoft: flags.microsoft ?? false }
  const planned = await certificates.plan(options)
  for (const warning of planned.warnings) note(`warning: ${warning}`)
  await checkOutput(flags.out)
  const quiet = flags.json || flags.out === '-'
  if (!quiet) print(requestSummary(planned))
  const { record, pem, warnings } = await certificates.prepare(planned)
  await writeOutput(flags.out, pem)
  if (flags.json) print(JSON.stringify({ ...record, key: planned.key, file: flags.out, pem, warnings }))
  else if (!quiet) print(`\nThe request is in ${flags.out}. Send it to the authority, then: sealpost cert install FILE`)
}
