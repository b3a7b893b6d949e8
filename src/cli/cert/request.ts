import type { Command } from 'commander'
import { type DistinguishedName, formatGeneralName, formatName } from '../../tls/pki/certificate/names.ts'
import type { Certificates } from '../../tls/pki/lifecycle/certificates.ts'
import type { PlannedRequest } from '../../tls/pki/lifecycle/request.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { UsageError } from '../shared/failure.ts'
import { checkOutput, writeOutput } from '../shared/files.ts'
import { dayText, noteWarning, page, print, printResult, printWritten } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'
import { type RequestFlags, requestOptions, withRequestOptions } from './request-options.ts'

interface RequestCommandFlags extends RequestFlags {
  readonly out: string
  readonly microsoft?: boolean
}

/** Returns the summary of a request. */
export const requestSummary = (planned: PlannedRequest): string =>
  page([
    ['Virtual server', planned.virtualServer.name],
    ['Friendly name', planned.friendlyName],
    ['Issued to', nameText(planned.subject)],
    ['Names', planned.names.map(formatGeneralName)],
    ['Key', planned.key],
  ])

/** Adds `sealpost cert request`. */
export function addRequest(cert: Command): void {
  withRequestOptions(withConfig(cert.command('request')))
    .description(
      'write a certificate request for an outside authority; it stays pending until its certificate is installed',
    )
    .option('--microsoft', 'write the request in the form of the wizard of Windows Server 2003')
    .option('--out <file>', 'file to write; - for standard output', 'certreq.txt')
    .addOption(sharedOptions.json)
    .action((flags: RequestCommandFlags) => withPki(flags, ({ certificates }) => request(certificates, flags)))
}

async function request(certificates: Certificates, flags: RequestCommandFlags): Promise<void> {
  const options = { ...requestOptions(flags), microsoft: flags.microsoft ?? false }
  const planned = await certificates.plan(options)
  for (const warning of planned.warnings) noteWarning(warning)
  await checkOutput(flags.out)
  const quiet = flags.json || flags.out === '-'
  if (!quiet) print(requestSummary(planned))
  const { record, pem, warnings } = await certificates.prepare(planned)
  await writeRequest(flags.out, pem, record.virtualServer)
  if (flags.json) print(JSON.stringify({ ...record, key: planned.key, file: flags.out, pem, warnings }))
  else if (!quiet)
    print(`\nWrote ${flags.out} (certificate request). Send it to the authority, then run: sealpost cert install FILE`)
}

/** Writes a pending request. If that fails, the error says how to write it elsewhere. */
export async function writeRequest(file: string, pem: string, virtualServer: string): Promise<void> {
  await writeOutput(file, pem).catch((error: Error) => {
    const again = `the request is pending; write it to another place: sealpost cert pending "${virtualServer}" --out FILE`
    throw new Error(`${error.message}; ${again}`, { cause: error })
  })
}

/** Adds `sealpost cert pending` and `cert cancel`. */
export function addPending(cert: Command): void {
  withConfig(cert.command('pending'))
    .description('list the pending requests, or write one of them again')
    .argument('[virtual server]', 'virtual server whose request to write')
    .option('--out <file>', 'file for the request of the virtual server (default: standard output)')
    .addOption(sharedOptions.json)
    .action((server: string | undefined, flags: ConfigurationOptions & { out?: string }) =>
      server === undefined ? list(flags) : writeAgain(server, flags),
    )
  withConfig(cert.command('cancel'))
    .description('delete a pending request and its key; a certificate for it can no longer be installed')
    .argument('[virtual server]', 'virtual server, or identifier of the request')
    .option('--for <virtual server>', 'virtual server, instead of the argument')
    .addOption(sharedOptions.json)
    .action(cancel)
}

function list(flags: ConfigurationOptions): Promise<void> {
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
      queued ? `request ${queued.id} at "${queued.authority}"` : 'not sent',
    ])
    printTable(['ID', 'VIRTUAL SERVER', 'ISSUED TO', 'SINCE', 'STATE'], rows)
  })
}

function writeAgain(server: string, { out = '-', ...flags }: ConfigurationOptions & { out?: string }): Promise<void> {
  return withPki(flags, async ({ certificates }) => {
    await writeOutput(out, await certificates.pendingPem(server))
    printWritten(out, 'certificate request')
  })
}

async function cancel(server: string | undefined, flags: ConfigurationOptions & { for?: string }): Promise<void> {
  const name = server ?? flags.for
  if (name === undefined) throw new UsageError('give the virtual server: sealpost cert cancel --for "VIRTUAL SERVER"')
  await withPki(flags, async ({ certificates }) => {
    const { id, virtualServer } = await certificates.cancel(name)
    printResult(flags, { id, virtualServer }, `The request of "${virtualServer}" is deleted.`)
  })
}

const nameText = (name: DistinguishedName): string => formatName(name) || '(empty)'
