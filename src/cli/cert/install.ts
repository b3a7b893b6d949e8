import type { Command } from 'commander'
import type { InstallSummary } from '../../pki/lifecycle/install.ts'
import type { PickUp } from '../../pki/lifecycle/issue.ts'
import { type PkiOptions, type PkiSession, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { exitStatus, UsageError } from '../failure.ts'
import { readInput } from '../files.ts'
import { dayText, note, page, print } from '../output.ts'

interface InstallFlags extends PkiOptions {
  readonly for?: string
  readonly pending?: boolean
  readonly force?: boolean
}

/** The wizard's page before it installs. */
export const installSummary = (summary: InstallSummary): string =>
  page([
    ['Issued to', summary.issuedTo],
    ['Issued by', summary.issuedBy],
    ['Expires', dayText(summary.notAfter)],
    ['Intended purposes', summary.purposes],
    ['Friendly name', summary.friendlyName],
    ['Virtual server', summary.virtualServer],
    ['Thumbprint', summary.thumbprint],
  ])

/** `sealpost cert install`: processes the pending request. */
export function addInstall(cert: Command): void {
  withConfig(cert.command('install'))
    .description("process a pending request with the authority's answer: install and assign the certificate")
    .argument('[file]', "the authority's answer: .cer (DER, PEM), .p7b, PEM chain; - for standard input")
    .option('--for <virtual server>', 'only the request of this virtual server')
    .option('--pending', "pick up what the lab's standalone authorities have approved")
    .option('--force', 'take an expired or not yet valid certificate')
    .option('--json', 'print JSON')
    .action(install)
}

function install(file: string | undefined, flags: InstallFlags): Promise<void> {
  if ((file === undefined) === !flags.pending) throw new UsageError('give the file of the answer, or --pending')
  return withPki(flags, (session) => (file === undefined ? pickUp(session, flags) : installFile(session, file, flags)))
}

async function installFile({ certificates }: PkiSession, file: string, flags: InstallFlags): Promise<void> {
  const options = { ...(flags.for ? { for: flags.for } : {}), force: flags.force ?? false }
  const planned = await certificates.inspect(await readInput(file), options)
  const { summary } = planned
  for (const warning of summary.warnings) note(`warning: ${warning}`)
  if (!flags.json) print(installSummary(summary))
  await certificates.installPlanned(planned)
  if (flags.json) print(JSON.stringify(summary))
  else print(`\nThe certificate is installed on "${summary.virtualServer}".`)
}

const told = (one: PickUp): string => {
  const { virtualServer, queued } = one.request
  if (one.state === 'installed')
    return `The certificate is installed on "${virtualServer}" (thumbprint ${one.record.thumbprint}).`
  if (one.state === 'denied')
    return `"${queued?.authority}" denied request ${queued?.id} of "${virtualServer}": cancel it, then ask anew.`
  return `Request ${queued?.id} of "${virtualServer}" still waits at "${queued?.authority}": sealpost ca approve ${queued?.id}`
}

async function pickUp({ certificates }: PkiSession, flags: InstallFlags): Promise<void> {
  const found = await certificates.installApproved(flags.for)
  if (flags.json) {
    const shown = found.map((one) => ({
      state: one.state,
      virtualServer: one.request.virtualServer,
      ...one.request.queued,
      ...(one.state === 'installed' ? { thumbprint: one.record.thumbprint } : {}),
    }))
    print(JSON.stringify(shown))
  } else for (const one of found) print(told(one))
  if (!found.some(({ state }) => state === 'installed')) process.exitCode = exitStatus.failed
}
