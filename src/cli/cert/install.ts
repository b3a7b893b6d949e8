import type { Command } from 'commander'
import type { InstallSummary } from '../../tls/pki/lifecycle/install.ts'
import type { QueueOutcome } from '../../tls/pki/lifecycle/issue.ts'
import { type PkiSession, withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { exitStatus, UsageError } from '../shared/failure.ts'
import { readInput, withFileName } from '../shared/files.ts'
import { dayText, note, page, print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { completedText, noteWarningsOf } from './words.ts'

interface InstallFlags extends ConfigurationOptions {
  readonly for?: string
  readonly pending?: boolean
  readonly force?: boolean
}

/** Returns the summary of a certificate, which the wizard shows before it installs it. */
export const installSummary = (summary: InstallSummary): string =>
  page([
    ['Issued to', summary.subject || summary.issuedTo],
    ['Names', summary.names],
    ['Issued by', summary.issuer],
    ['Valid', `${dayText(summary.notBefore)} to ${dayText(summary.notAfter)}`],
    ['Key', summary.key],
    ['Intended purposes', summary.purposes],
    ['Chain', summary.chain],
    ['Friendly name', summary.friendlyName],
    ['Served by', summary.usedBy],
    ['Thumbprint', summary.thumbprint],
  ])

/** Adds `sealpost cert install`. */
export function addInstall(cert: Command): void {
  withConfig(cert.command('install'))
    .description('install and assign the certificate that an authority issued for a pending request')
    .argument('[file]', 'certificate: .cer (DER, PEM), .p7b or PEM chain; - for standard input')
    .option('--for <virtual server>', 'only for the request of this virtual server')
    .option('--pending', 'install certificates that standalone authorities of the lab have approved')
    .option('--force', 'accept a certificate that is expired, is not yet valid, or belongs to an authority')
    .addOption(sharedOptions.json)
    .action(install)
}

function install(file: string | undefined, flags: InstallFlags): Promise<void> {
  if ((file === undefined) === !flags.pending) throw new UsageError('give the file of the certificate, or --pending')
  return withPki(flags, (session) => (file === undefined ? pickUp(session, flags) : installFile(session, file, flags)))
}

/** Problems that the summary before the installation does not contain. */
const NOT_IN_SUMMARY = ['not-served', 'no-staple', 'broken']

async function installFile(session: PkiSession, file: string, flags: InstallFlags): Promise<void> {
  const { certificates } = session
  const options = { ...(flags.for ? { for: flags.for } : {}), force: flags.force ?? false }
  const answer = await readInput(file)
  const planned = await withFileName(file, () => certificates.inspect(answer, options))
  const { summary } = planned
  for (const warning of summary.warnings) note(`warning: ${warning}`)
  if (!flags.json) print(installSummary(summary))
  await certificates.installPlanned(planned)
  await noteWarningsOf(session, summary.usedBy, NOT_IN_SUMMARY)
  if (flags.json) print(JSON.stringify(summary))
  else if (summary.completedTo !== undefined) print(`\n${completedText(summary.friendlyName, summary.completedTo)}`)
  else print(`\nThe certificate is installed on "${summary.virtualServer}".`)
}

const sentence = (one: QueueOutcome): string => {
  const { virtualServer, queued } = one.request
  if (one.state === 'installed')
    return `The certificate is installed on "${virtualServer}" (thumbprint ${one.record.thumbprint}).`
  if (one.state === 'denied')
    return `"${queued?.authority}" denied request ${queued?.id} of "${virtualServer}". Cancel it and make a new request.`
  return `Request ${queued?.id} of "${virtualServer}" is still pending at "${queued?.authority}". Approve it with: sealpost ca approve ${queued?.id}`
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
  } else for (const one of found) print(sentence(one))
  if (!found.some(({ state }) => state === 'installed')) process.exitCode = exitStatus.failed
}
