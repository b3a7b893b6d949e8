import type { Command } from 'commander'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { printResult } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { NAME_HELP, noteWarningsOf, usedAfterRemoval } from './words.ts'

interface ForFlags extends ConfigurationOptions {
  readonly for: string
}

const forOption = (command: Command): Command =>
  withConfig(command)
    .requiredOption('--for <virtual server>', 'name or protocol of the virtual server')
    .addOption(sharedOptions.json)

/** Adds `sealpost cert assign`, `cert unassign`, `cert replace`, `cert rename` and `cert delete`. */
export function addAssign(cert: Command): void {
  forOption(cert.command('assign'))
    .description('assign a certificate of the store to a virtual server')
    .argument('<name>', NAME_HELP)
    .action((name: string, flags: ForFlags) =>
      withPki(flags, async (session) => {
        const { virtualServer, record } = await session.certificates.assign(name, flags.for)
        const { friendlyName, thumbprint } = record
        const facts = { virtualServer, friendlyName, thumbprint }
        await noteWarningsOf(session, [virtualServer])
        printResult(flags, facts, `"${friendlyName}" is assigned to "${virtualServer}".`)
      }),
    )
  forOption(cert.command('unassign'))
    .description('remove the assignment of a certificate; it stays in the store')
    .action((flags: ForFlags) =>
      withPki(flags, async (session) => {
        const facts = await session.certificates.remove(flags.for)
        const { virtualServer, friendlyName, now } = facts
        await noteWarningsOf(session, [virtualServer])
        const sentence = `"${virtualServer}" ${usedAfterRemoval(now)}; "${friendlyName}" stays in the store.`
        printResult(flags, facts, sentence)
      }),
    )
  forOption(cert.command('replace'))
    .description('replace the assigned certificate with another one')
    .argument('<name>', `${NAME_HELP} of the new certificate`)
    .action((name: string, flags: ForFlags) =>
      withPki(flags, async (session) => {
        const { virtualServer, record, replaced, replacedName } = await session.certificates.replace(flags.for, name)
        const facts = { virtualServer, replaced, thumbprint: record.thumbprint }
        await noteWarningsOf(session, [virtualServer])
        const sentence = `"${virtualServer}" now uses "${record.friendlyName}"; "${replacedName}" stays in the store.`
        printResult(flags, facts, sentence)
      }),
    )
  addRenameAndDelete(cert)
}

function addRenameAndDelete(cert: Command): void {
  withConfig(cert.command('rename'))
    .description('give a certificate another friendly name')
    .argument('<name>', NAME_HELP)
    .argument('<new name>', 'the new friendly name')
    .option('--force', 'rename it even if the configuration names the certificate')
    .addOption(sharedOptions.json)
    .action((name: string, newName: string, flags: ConfigurationOptions & { readonly force?: boolean }) =>
      withPki(flags, async ({ certificates }) => {
        const { record, formerName } = await certificates.rename(name, newName, { force: flags.force ?? false })
        const { friendlyName, thumbprint } = record
        printResult(flags, { friendlyName, formerName, thumbprint }, `"${formerName}" is now called "${friendlyName}".`)
      }),
    )
  withConfig(cert.command('delete'))
    .description('delete a certificate and its key, if no virtual server uses it')
    .argument('<name>', NAME_HELP)
    .addOption(sharedOptions.json)
    .action((name: string, flags: ConfigurationOptions) =>
      withPki(flags, async ({ certificates }) => {
        const { friendlyName, thumbprint } = await certificates.delete(name)
        printResult(flags, { friendlyName, thumbprint }, `"${friendlyName}" is deleted (thumbprint ${thumbprint}).`)
      }),
    )
}
