import { type Command, Option } from 'commander'
import { accountKeyTypes } from '../../tls/pki/acme/client/authority.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { readInput } from '../shared/files.ts'
import { print, printResult } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface RolloverFlags extends ConfigurationOptions {
  readonly key?: (typeof accountKeyTypes)[number]
  readonly acmeCa?: string
}

/** Adds `sealpost cert acme-account list` and `cert acme-account rollover`. */
export function addAcmeAccount(cert: Command): void {
  const account = cert.command('acme-account').description("manage the lab's accounts at ACME directories")
  withConfig(account.command('list'))
    .description('list the ACME directories where the lab has an account')
    .addOption(sharedOptions.json)
    .action((flags: ConfigurationOptions) =>
      withPki(flags, async ({ certificates }) => {
        const directories = await certificates.acmeDirectories()
        if (flags.json) return print(JSON.stringify(directories.map((directory) => ({ directory }))))
        print(directories.join('\n') || 'The lab has no account at an ACME directory.')
      }),
    )
  withConfig(account.command('rollover'))
    .description('give an account a new key; its orders and certificates stay valid')
    .argument('[directory]', 'address of the directory (default: the only one with an account)')
    .addOption(new Option('--key <type>', 'type of the new key (default: p256)').choices(accountKeyTypes))
    .option('--acme-ca <file>', 'PEM root of the directory (default: the one its certificates were obtained with)')
    .addOption(sharedOptions.json)
    .action((directory: string | undefined, flags: RolloverFlags) =>
      withPki(flags, async ({ certificates }) => {
        const changed = await certificates.rolloverAcmeAccount({
          ...(directory === undefined ? {} : { directory }),
          ...(flags.key ? { key: flags.key } : {}),
          ...(flags.acmeCa ? { ca: (await readInput(flags.acmeCa)).toString('utf8') } : {}),
        })
        printResult(flags, { directory: changed }, `The account at ${changed} has a new key.`)
      }),
    )
}
