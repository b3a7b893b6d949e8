import type { Command } from 'commander'
import { type PkiOptions, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { printResult } from '../output.ts'

interface ForFlags extends PkiOptions {
  readonly for: string
}

const forOption = (command: Command): Command =>
  withConfig(command)
    .requiredOption('--for <virtual server>', 'name or protocol of the virtual server')
    .option('--json', 'print JSON')

/** Adds `sealpost cert assign`, `cert remove`, `cert replace` and `cert delete`. */
export function addAssign(cert: Command): void {
  forOption(cert.command('assign'))
    .description('assign a certificate of the store to a virtual server')
    .argument('<name>', 'friendly name or thumbprint')
    .action((name: string, flags: ForFlags) =>
      withPki(flags, async ({ certificates }) => {
        const { virtualServer, record } = await certificates.assign(name, flags.for)
        const { friendlyName, thumbprint } = record
        const facts = { virtualServer, friendlyName, thumbprint }
        printResult(flags, facts, `"${friendlyName}" is assigned to "${virtualServer}".`)
      }),
    )
  forOption(cert.command('remove'))
    .description('remove the certificate from a virtual server; it stays in the store')
    .action((flags: ForFlags) =>
      withPki(flags, async ({ certificates }) => {
        const facts = await certificates.remove(flags.for)
        const { virtualServer, thumbprint } = facts
        printResult(
          flags,
          facts,
          `"${virtualServer}" has no assigned certificate now; ${thumbprint} stays in the store.`,
        )
      }),
    )
  forOption(cert.command('replace'))
    .description('replace the assigned certificate by another one')
    .argument('<name>', 'friendly name or thumbprint of the new certificate')
    .action((name: string, flags: ForFlags) =>
      withPki(flags, async ({ certificates }) => {
        const { virtualServer, record, replaced } = await certificates.replace(flags.for, name)
        const facts = { virtualServer, replaced, thumbprint: record.thumbprint }
        printResult(
          flags,
          facts,
          `"${virtualServer}" now uses "${record.friendlyName}"; ${replaced} stays in the store.`,
        )
      }),
    )
  withConfig(cert.command('delete'))
    .description('delete a certificate and its key, if no virtual server uses it')
    .argument('<name>', 'friendly name or thumbprint')
    .option('--json', 'print JSON')
    .action((name: string, flags: PkiOptions) =>
      withPki(flags, async ({ certificates }) => {
        const { friendlyName, thumbprint } = await certificates.delete(name)
        printResult(flags, { friendlyName, thumbprint }, `"${friendlyName}" is deleted (thumbprint ${thumbprint}).`)
      }),
    )
}
