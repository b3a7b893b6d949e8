import type { Command } from 'commander'
import { thumbprintOf } from '../../pki/certificate/certificate.ts'
import { type PkiOptions, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { positiveNumber } from '../options.ts'
import { counted, dayText, printResult } from '../output.ts'

interface ForceFlags extends PkiOptions {
  readonly force?: boolean
}

/** Adds `sealpost ca default`, `ca renew` and `ca delete`. */
export function addManage(ca: Command): void {
  withConfig(ca.command('default'))
    .description('make an authority the one that issues for certificate: auto')
    .argument('<name>', 'name of the authority')
    .option('--force', 'also if it may not issue certificates for the names of the lab')
    .option('--json', 'print JSON')
    .action((wanted: string, flags: ForceFlags) =>
      withPki(flags, async ({ authorities, lab }) => {
        const options = { autoNames: lab.names, force: flags.force ?? false }
        const { name } = await authorities.setDefault(wanted, options)
        printResult(flags, { name, default: true }, `"${name}" now issues for certificate: auto.`)
      }),
    )
  withConfig(ca.command('renew'))
    .description('renew the certificate of an authority with the same name and key; what it has issued stays valid')
    .argument('[name]', 'name of the authority (default: the one that issues for certificate: auto)')
    .option('--days <number>', 'days of validity (default: as many as before)', positiveNumber)
    .option('--force', 'even if every client would reject the certificate')
    .option('--json', 'print JSON')
    .action((wanted: string | undefined, flags: ForceFlags & { days?: number }) =>
      withPki(flags, async ({ authorities }) => {
        const options = { ...(flags.days ? { days: flags.days } : {}), force: flags.force ?? false }
        const { record, certificate } = await authorities.renew(wanted, options)
        const notAfter = new Date(certificate.validTo).toISOString()
        const facts = { name: record.name, thumbprint: thumbprintOf(certificate), notAfter }
        const trust =
          record.role === 'root'
            ? ' Clients that trust the old root must trust the new one before that one expires.'
            : ''
        printResult(flags, facts, `"${record.name}" is renewed until ${dayText(notAfter)}.${trust}`)
      }),
    )
  withConfig(ca.command('delete'))
    .description('delete an authority with its key and the record of what it has issued')
    .argument('<name>', 'name of the authority')
    .option('--force', 'also if certificates of it are in use or requests wait for it')
    .option('--json', 'print JSON')
    .action((wanted: string, flags: ForceFlags) =>
      withPki(flags, async ({ authorities }) => {
        const { name, issued } = await authorities.delete(wanted, { force: flags.force ?? false })
        printResult(
          flags,
          { name, issued: issued.length },
          `"${name}" is deleted. It had issued ${counted(issued.length, 'certificate')}.`,
        )
      }),
    )
}
