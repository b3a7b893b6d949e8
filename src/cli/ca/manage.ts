import type { Command } from 'commander'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { countText, printResult } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface ForceFlags extends ConfigurationOptions {
  readonly force?: boolean
}

/** Adds `sealpost ca default` and `ca delete`. */
export function addManage(ca: Command): void {
  withConfig(ca.command('default'))
    .description('make an authority the default one, which issues the certificates of certificate: auto')
    .argument('<name>', 'name of the authority')
    .option('--force', 'make it the default even if it may not issue certificates for the names of the lab')
    .addOption(sharedOptions.json)
    .action((wanted: string, flags: ForceFlags) =>
      withPki(flags, async ({ authorities, lab }) => {
        const options = { autoNames: lab.names, force: flags.force ?? false }
        const { name } = await authorities.setDefault(wanted, options)
        printResult(flags, { name, default: true }, `"${name}" now issues for certificate: auto.`)
      }),
    )
  withConfig(ca.command('delete'))
    .description('delete an authority with its key and the record of what it has issued')
    .argument('<name>', 'name of the authority')
    .option('--force', 'delete it even if its certificates are in use or requests wait for it')
    .addOption(sharedOptions.json)
    .action((wanted: string, flags: ForceFlags) =>
      withPki(flags, async ({ authorities }) => {
        const { name, issued } = await authorities.delete(wanted, { force: flags.force ?? false })
        printResult(
          flags,
          { name, issued: issued.length },
          `"${name}" is deleted. It had issued ${countText(issued.length, 'certificate')}.`,
        )
      }),
    )
}
