import { type Command, InvalidArgumentError, Option } from 'commander'
import { type RevocationReason, reasonNamed, revocationReasons } from '../../pki/revocation/reasons.ts'
import { type PkiOptions, withPki } from '../cert/session.ts'
import { withConfig } from '../configuration.ts'
import { checkOutput, writeOutput } from '../files.ts'
import { print } from '../output.ts'

interface RevokeFlags extends PkiOptions {
  readonly reason: RevocationReason
  readonly authority?: string
}

function reason(text: string): RevocationReason {
  const found = reasonNamed(text)
  if (found === undefined) throw new InvalidArgumentError(`Reasons are ${Object.keys(revocationReasons).join(', ')}.`)
  return found
}

/** `sealpost ca revoke` and `ca crl`. */
export function addRevoke(ca: Command): void {
  withConfig(ca.command('revoke'))
    .description('revoke a certificate; certificateHold is lifted by --reason removeFromCRL')
    .argument('<serial>', 'serial number or thumbprint')
    .option('--reason <name>', Object.keys(revocationReasons).join(', '), reason, 'unspecified')
    .option('--authority <name>', 'look only in the book of this authority')
    .option('--json', 'print JSON')
    .action(revoke)
  withConfig(ca.command('crl'))
    .description('make a certificate revocation list')
    .argument('[authority]', 'its name (default: the one that issues for certificate: auto)')
    .option('--authority <name>', 'the same')
    .addOption(new Option('--format <format>', 'what to write').choices(['pem', 'der']).default('pem'))
    .option('--out <file>', 'the file to write, - for standard output', '-')
    .action(crl)
}

function revoke(serial: string, flags: RevokeFlags): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const { entry, authority } = await authorities.revoke(serial, flags.reason, flags.authority)
    if (flags.json)
      return print(
        JSON.stringify({ authority, serial: entry.serial, subject: entry.subject, revoked: entry.revoked ?? null }),
      )
    const what = entry.revoked ? `is revoked (${entry.revoked.reason})` : 'is good again'
    print(`${entry.serial} (${entry.subject}) ${what}; the list of "${authority}" is published.`)
  })
}

function crl(
  name: string | undefined,
  flags: PkiOptions & { authority?: string; format: string; out: string },
): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    await checkOutput(flags.out)
    const { der, pem } = await authorities.crl(name ?? flags.authority)
    await writeOutput(flags.out, flags.format === 'der' ? der : pem)
  })
}
