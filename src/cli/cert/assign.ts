import type { Command } from 'commander'
import { type PkiOptions, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { print } from '../output.ts'

interface ForFlags extends PkiOptions {
  readonly for: string
}

const forOption = (command: Command): Command =>
  withConfig(command)
    .requiredOption('--for <virtual server>', 'the virtual server, by its name or its protocol')
    .option('--json', 'print JSON')

/** `sealpost cert assign`, `cert remove`, `cert replace` and `cert delete`. */
export function addAssign(cert: Command): void {
  forOption(cert.command('assign'))
    .description('assign a certificate of the store to a virtual server')
    .argument('<name>', 'friendly name or thumbprint')
    .action((name: string, flags: ForFlags) =>
      withPki(flags, async ({ certificates }) => {
        const { virtualServer, record } = await certificates.assign(name, flags.for)
        const { friendlyName, thumbprint } = record
        const facts = { virtualServer, friendlyName, thumbprint }
        tell(flags, facts, `"${friendlyName}" is assigned to "${virtualServer}".`)
      }),
    )
  forOption(cert.command('remove'))
    .description('take the certificate off a virtual server; it stays in the store')
    .action((flags: ForFlags) =>
      withPki(flags, async ({ certificates }) => {
        const facts = await certificates.remove(flags.for)
        const { virtualServer, thumbprint } = facts
        tell(flags, facts, `"${virtualServer}" has no certificate assigned now; ${thumbprint} stays in the store.`)
      }),
    )
  forOption(cert.command('replace'))
    .description('assign another certificate in place of the one assigned')
    .argument('<name>', 'friendly name or thumbprint of the other')
    .action((name: string, flags: ForFlags) =>
      withPki(flags, async ({ certificates }) => {
        const { virtualServer, record, replaced } = await certificates.replace(flags.for, name)
        const facts = { virtualServer, replaced, thumbprint: record.thumbprint }
        tell(flags, facts, `"${virtualServer}" wears "${record.friendlyName}" now; ${replaced} stays in the store.`)
      }),
    )
  withConfig(cert.command('delete'))
    .description('delete a certificate that no virtual server wears, and its key')
    .argument('<name>', 'friendly name or thumbprint')
    .option('--json', 'print JSON')
    .action((name: string, flags: PkiOptions) =>
      withPki(flags, async ({ certificates }) => {
        const { friendlyName, thumbprint } = await certificates.delete(name)
        tell(flags, { friendlyName, thumbprint }, `"${friendlyName}" is deleted (thumbprint ${thumbprint}).`)
      }),
    )
}

function tell(flags: PkiOptions, facts: object, sentence: string): void {
  print(flags.json ? JSON.stringify(facts) : sentence)
}
