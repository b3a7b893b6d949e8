import type { Command } from 'commander'
import type { RenewedAuthority } from '../../tls/pki/authority/renew.ts'
import { thumbprintOf } from '../../tls/pki/certificate/certificate.ts'
import { type KeyFlags, keySpecOf, withKeyOptions } from '../cert/request-options.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { UsageError } from '../shared/failure.ts'
import { checkOutput, writeOutput } from '../shared/files.ts'
import { positiveNumber } from '../shared/options.ts'
import { dayText, printResult } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface RenewFlags extends ConfigurationOptions, KeyFlags {
  readonly days?: number
  readonly newKey?: boolean
  readonly force?: boolean
  readonly out: string
}

/** Adds `sealpost ca renew`. */
export function addRenew(ca: Command): void {
  withKeyOptions(withConfig(ca.command('renew')))
    .description(
      'renew the certificate of an authority; it keeps its name, and certificates that it has issued stay valid',
    )
    .argument('[name]', 'name of the authority (default: the default authority, see ca default)')
    .option('--days <number>', 'days of validity (default: as many as before)', positiveNumber)
    .option(
      '--new-key',
      'create a new key, of the same type unless another is given; the old and the new root sign each other',
    )
    .option('--out <file>', 'file for the request if an outside authority must answer it', 'careq.txt')
    .option('--force', 'renew it even if every client would refuse the certificate')
    .addOption(sharedOptions.json)
    .action(renew)
}

function renew(name: string | undefined, flags: RenewFlags): Promise<void> {
  const key = keySpecOf(flags)
  if (key !== undefined && !flags.newKey)
    throw new UsageError('--bits, --curve and --key work only with --new-key; add it')
  return withPki(flags, async ({ authorities }) => {
    await checkOutput(flags.out)
    const renewed = await authorities.renew(name, {
      newKey: flags.newKey ?? false,
      force: flags.force ?? false,
      ...(flags.days ? { days: flags.days } : {}),
      ...(key ? { key } : {}),
    })
    if (renewed.state === 'requested') await writeOutput(flags.out, renewed.pem)
    printResult(flags, facts(renewed, flags), text(renewed, flags))
  })
}

function facts(renewed: RenewedAuthority, { out }: RenewFlags): object {
  const { state, record } = renewed
  if (renewed.state === 'requested') return { state, name: record.name, file: out }
  const { certificate } = renewed
  const notAfter = new Date(certificate.validTo).toISOString()
  return { state, name: record.name, thumbprint: thumbprintOf(certificate), notAfter }
}

function text(renewed: RenewedAuthority, { newKey, out }: RenewFlags): string {
  const { name, role } = renewed.record
  if (renewed.state === 'requested') {
    return `Wrote ${out} (certificate request). Send it to the outside authority, then run: sealpost ca install FILE. "${name}" keeps its certificate until then.`
  }
  const until = `"${name}" is renewed until ${dayText(new Date(renewed.certificate.validTo).toISOString())}`
  const trust =
    role === 'root' ? ' Clients that trust the old root must trust the new one before that one expires.' : ''
  return `${until}${newKey ? ', with a new key' : ''}.${trust}`
}
