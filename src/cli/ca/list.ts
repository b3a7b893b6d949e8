import { type Command, InvalidArgumentError, Option } from 'commander'
import { type AuthorityFormat, authorityFormats } from '../../pki/authority/list.ts'
import { type RevocationReason, reasonNamed, revocationReasons } from '../../pki/revocation/crl.ts'
import { type PkiOptions, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { checkOutput, writeOutput } from '../files.ts'
import { dayText, print, table } from '../output.ts'

interface NamedFlags extends PkiOptions {
  readonly authority?: string
}

/** `sealpost ca list`, `ca issued` and `ca export`. */
export function addList(ca: Command): void {
  withConfig(ca.command('list')).description('the authorities of the store').option('--json', 'print JSON').action(list)
  withConfig(ca.command('issued'))
    .description('the certificates that an authority has issued')
    .argument('[authority]', 'its name (default: the one that issues for certificate: auto)')
    .option('--json', 'print JSON')
    .action(issued)
  withConfig(ca.command('export'))
    .description('the certificate of an authority, for clients to trust')
    .argument('[authority]', 'its name (default: the one that issues for certificate: auto)')
    .option('--authority <name>', 'the same')
    .addOption(
      new Option('--format <format>', 'pem, der: itself; p7b, chain (PEM): with its issuers')
        .choices(authorityFormats)
        .default('pem'),
    )
    .option('--out <file>', 'the file to write, - for standard output', '-')
    .action(exportAuthority)
}

function list(flags: PkiOptions): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const entries = await authorities.list()
    if (flags.json) return print(JSON.stringify(entries))
    const rows = entries.map((one) => [
      one.name + (one.default ? ' (default)' : ''),
      one.role,
      one.type,
      one.ready ? (one.issuedBy ?? '') : 'waits for an outside authority',
      one.notAfter ? dayText(one.notAfter) : '-',
      one.key ?? '-',
      String(one.issued),
      String(one.revoked),
      String(one.waiting),
    ])
    print(table(['name', 'role', 'type', 'issued by', 'expires', 'key', 'issued', 'revoked', 'waiting'], rows))
  })
}

function issued(name: string | undefined, flags: PkiOptions): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const entries = await authorities.issued(name)
    if (flags.json) return print(JSON.stringify(entries.map(({ certificate: _, ...one }) => one)))
    const rows = entries.map((one) => [
      one.serial,
      one.subject,
      dayText(one.notAfter),
      one.revoked ? `revoked ${dayText(one.revoked.at)} (${one.revoked.reason})` : 'good',
    ])
    print(table(['serial number', 'issued to', 'expires', 'status'], rows))
  })
}

function exportAuthority(
  name: string | undefined,
  flags: NamedFlags & { format: AuthorityFormat; out: string },
): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    await checkOutput(flags.out)
    await writeOutput(flags.out, await authorities.export(name ?? flags.authority, flags.format))
  })
}

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
