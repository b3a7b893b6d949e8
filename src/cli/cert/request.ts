import type { Command } from 'commander'
import { formatGeneralName } from '../../pki/certificate/names.ts'
import type { Certificates } from '../../pki/lifecycle/certificates.ts'
import type { PlannedRequest } from '../../pki/lifecycle/request.ts'
import { type PkiOptions, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { UsageError } from '../failure.ts'
import { checkOutput, writeOutput } from '../files.ts'
import { dayText, nameText, note, page, print, table } from '../output.ts'
import { type RequestFlags, requestOptions, withRequestOptions } from './request-options.ts'

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

/** `sealpost cert pending` and `cert cancel`. */
export function addPending(cert: Command): void {
  withConfig(cert.command('pending'))
    .description('the requests that wait for an answer')
    .argument('[virtual server]', 'write the request of this one again')
    .option('--out <file>', 'where to, - for standard output', '-')
    .option('--json', 'print JSON')
    .action((server: string | undefined, flags: PkiOptions & { out: string }) =>
      server === undefined ? list(flags) : again(server, flags),
    )
  withConfig(cert.command('cancel'))
    .description('delete a pending request and its key; an answer to it can no more be installed')
    .argument('[virtual server]', 'whose request, or its identifier')
    .option('--for <virtual server>', 'the same')
    .option('--json', 'print JSON')
    .action(cancel)
}

function list(flags: PkiOptions): Promise<void> {
  return withPki(flags, async ({ certificates, store }) => {
    const requests = await certificates.pending()
    if (flags.json) {
      const shown = requests.map(async ({ key, ...one }) => ({
        ...one,
        request: await store.materials.read(one.request),
      }))
      return print(JSON.stringify(await Promise.all(shown)))
    }
    if (requests.length === 0) return print('No request is pending.')
    const rows = requests.map(({ id, virtualServer, subject, createdAt, queued }) => [
      id,
      virtualServer,
      nameText(subject),
      dayText(createdAt),
      queued ? `request ${queued.id} at "${queued.authority}"` : 'to be sent',
    ])
    print(table(['id', 'virtual server', 'issued to', 'since', 'where'], rows))
  })
}

function again(server: string, flags: PkiOptions & { out: string }): Promise<void> {
  return withPki(flags, async ({ certificates }) => writeOutput(flags.out, await certificates.pendingPem(server)))
}

async function cancel(server: string | undefined, flags: PkiOptions & { for?: string }): Promise<void> {
  const name = server ?? flags.for
  if (name === undefined) throw new UsageError('say whose request: sealpost cert cancel --for "VIRTUAL SERVER"')
  await withPki(flags, async ({ certificates }) => {
    const { id, virtualServer } = await certificates.cancel(name)
    print(flags.json ? JSON.stringify({ id, virtualServer }) : `The request of "${virtualServer}" is deleted.`)
  })
}
