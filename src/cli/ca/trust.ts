import type { Command } from 'commander'
import type { AddedTrust } from '../../tls/pki/authority/trusted.ts'
import type { TrustedRecord } from '../../tls/pki/certificate-store/index-file.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { readInput, withFileName } from '../shared/files.ts'
import { dayText, print, printResult } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'

const kinds = { root: 'root', intermediate: 'intermediate authority', crl: 'revocation list' } as const

const addedText = ({ kind, name, completes = [], already }: AddedTrust): string => {
  const since = already ? 'already' : 'now'
  if (kind !== 'intermediate') return `The checks of the lab ${since} accept the ${kinds[kind]} of "${name}".`
  const chains = completes.map((one) => `"${one}"`).join(', ')
  return `The lab ${since} knows the intermediate authority "${name}"${chains ? `, which completes the chain of ${chains}` : ''}.`
}

const facts = ({ file: _, ...one }: TrustedRecord): object => one

/** Adds `sealpost ca add-trusted`, `ca remove-trusted` and `ca list-trusted`. */
export function addTrust(ca: Command): void {
  withConfig(ca.command('add-trusted'))
    .description('add outside roots, intermediate authorities and revocation lists that the lab accepts')
    .argument('<file>', 'authorities (DER, PEM, .p7b) or revocation lists (DER, PEM); - for standard input')
    .addOption(sharedOptions.json)
    .action((file: string, flags: ConfigurationOptions) =>
      withPki(flags, async ({ authorities }) => {
        const octets = await readInput(file)
        const added = await withFileName(file, () => authorities.addTrusted(octets))
        if (flags.json) return print(JSON.stringify(added.map(facts)))
        for (const one of added) print(addedText(one))
      }),
    )
  withConfig(ca.command('remove-trusted'))
    .description('remove an outside root, intermediate authority or revocation list')
    .argument('<name>', 'name or thumbprint, from ca list-trusted')
    .addOption(sharedOptions.json)
    .action((name: string, flags: ConfigurationOptions) =>
      withPki(flags, async ({ authorities }) => {
        const removed = await authorities.removeTrusted(name)
        printResult(flags, facts(removed), `Removed the ${kinds[removed.kind]} of "${removed.name}".`)
      }),
    )
  withConfig(ca.command('list-trusted'))
    .description('list the outside roots, intermediate authorities and revocation lists that the lab knows')
    .addOption(sharedOptions.json)
    .action((flags: ConfigurationOptions) =>
      withPki(flags, async ({ authorities }) => {
        const all = await authorities.listTrusted()
        if (flags.json) return print(JSON.stringify(all.map(facts)))
        if (all.length === 0) return print('There are no outside roots or revocation lists.')
        const rows = all.map(({ name, kind, until, thumbprint }) => [
          name,
          kinds[kind],
          until ? dayText(until) : '-',
          thumbprint,
        ])
        printTable(['NAME', 'KIND', 'VALID UNTIL', 'THUMBPRINT'], rows)
      }),
    )
}
