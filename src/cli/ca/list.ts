import { type Command, InvalidArgumentError, Option } from 'commander'
import { type AuthorityEntry, type AuthorityFormat, authorityFormats } from '../../tls/pki/authority/list.ts'
import { type RevocationReason, reasonNamed, revocationReasons } from '../../tls/pki/revocation/crl.ts'
import { noteWarningsOf } from '../cert/words.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { checkOutput, writeOutput } from '../shared/files.ts'
import { durationAsMs } from '../shared/options.ts'
import { countText, dayText, print, printResult, printWritten, withPager } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'

interface NamedFlags extends ConfigurationOptions {
  readonly authority?: string
}

/** Adds `sealpost ca list`, `ca issued` and `ca export`. */
export function addAuthorityLists(ca: Command): void {
  withConfig(ca.command('list'))
    .description('list the authorities of the store')
    .addOption(sharedOptions.json)
    .action(withPager(list))
  withConfig(ca.command('issued'))
    .description('list the certificates that an authority has issued')
    .argument('[authority]', 'name of the authority (default: the default authority, see ca default)')
    .option('--authority <name>', 'name of the authority')
    .option('--expiring <time>', 'only those that expire within this time, for example 30d or 12h', durationAsMs)
    .addOption(sharedOptions.json)
    .action(withPager(issued))
  withConfig(ca.command('export'))
    .description('write the roots of the lab, or the certificate of one authority, for clients to trust')
    .argument('[authority]', 'name of the authority (default: every root that clients need)')
    .option('--authority <name>', 'name of the authority')
    .addOption(
      new Option('--format <format>', 'pem, der: the certificate alone. p7b, chain (PEM): with its issuers')
        .choices(authorityFormats)
        .default('pem'),
    )
    .option('--out <file>', 'file to write; - for standard output', '-')
    .action(exportAuthority)
}

function list(flags: ConfigurationOptions): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const entries = await authorities.list()
    if (flags.json) return print(JSON.stringify(entries))
    const rows = entries.map((one) => [
      one.name + (one.default ? ' (default)' : ''),
      one.role,
      one.type,
      one.ready ? (one.role === 'root' ? '-' : (one.issuedBy ?? '')) : 'waiting for an outside authority',
      one.notAfter ? dayText(one.notAfter) : '-',
      one.key ?? '-',
      certificatesText(one),
    ])
    printTable(['NAME', 'ROLE', 'TYPE', 'ISSUED BY', 'EXPIRES', 'KEY', 'ISSUED'], rows)
  })
}

/** Returns `5, 1 revoked, 2 pending`. */
function certificatesText({ issued, revoked, waiting }: AuthorityEntry): string {
  const parts = [`${issued}`, revoked > 0 && `${revoked} revoked`, waiting > 0 && `${waiting} pending`]
  return parts.filter((part) => part !== false).join(', ')
}

function issued(name: string | undefined, flags: NamedFlags & { expiring?: number }): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const within = flags.expiring === undefined ? {} : { expiringWithinMs: flags.expiring }
    const entries = await authorities.issued(name ?? flags.authority, within)
    if (flags.json) return print(JSON.stringify(entries.map(({ certificate: _, ...one }) => one)))
    const rows = entries.map((one) => [
      one.serial,
      one.subject,
      dayText(one.notAfter),
      one.revoked ? `revoked ${dayText(one.revoked.at)} (${one.revoked.reason})` : 'good',
    ])
    printTable(['SERIAL NUMBER', 'ISSUED TO', 'EXPIRES', 'STATUS'], rows)
  })
}

function exportAuthority(
  name: string | undefined,
  flags: NamedFlags & { format: AuthorityFormat; out: string },
): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    await checkOutput(flags.out)
    const authority = name ?? flags.authority
    await writeOutput(flags.out, await authorities.export(authority, flags.format))
    const one = flags.format === 'der' || (authority !== undefined && flags.format === 'pem')
    const all = one ? '' : String(await authorities.export(authority, 'chain'))
    printWritten(flags.out, countText(one ? 1 : all.split('BEGIN CERTIFICATE').length - 1, 'certificate'))
  })
}

interface RevokeFlags extends ConfigurationOptions {
  readonly reason: RevocationReason
  readonly authority?: string
}

function reason(text: string): RevocationReason {
  const found = reasonNamed(text)
  if (found === undefined) throw new InvalidArgumentError(`It must be ${Object.keys(revocationReasons).join(', ')}.`)
  return found
}

/** Adds `sealpost ca revoke` and `ca crl`. */
export function addRevoke(ca: Command): void {
  withConfig(ca.command('revoke'))
    .description('revoke a certificate; --reason removeFromCRL ends a certificateHold')
    .argument('<serial>', 'serial number or thumbprint')
    .option('--reason <name>', Object.keys(revocationReasons).join(', '), reason, 'unspecified')
    .option('--authority <name>', 'search only the certificates of this authority')
    .addOption(sharedOptions.json)
    .action(revoke)
  withConfig(ca.command('crl'))
    .description('write a certificate revocation list')
    .argument('[authority]', 'name of the authority (default: the default authority, see ca default)')
    .option('--authority <name>', 'name of the authority')
    .addOption(new Option('--format <format>', 'format').choices(['pem', 'der']).default('pem'))
    .option('--out <file>', 'file to write; - for standard output', '-')
    .action(crl)
}

function revoke(serial: string, flags: RevokeFlags): Promise<void> {
  return withPki(flags, async (session) => {
    const { entry, authority } = await session.authorities.revoke(serial, flags.reason, flags.authority)
    const { serial: number, subject, revoked, thumbprint } = entry
    const inUse = (await session.certificates.list()).find((one) => one.thumbprint === thumbprint)
    await noteWarningsOf(session, inUse?.usedBy ?? [])
    const what = revoked ? `is revoked (${revoked.reason})` : 'is no longer revoked'
    printResult(
      flags,
      { authority, serial: number, subject, revoked: revoked ?? null },
      `${number} (${subject}) ${what}; published the revocation list of "${authority}".`,
    )
  })
}

function crl(
  name: string | undefined,
  flags: ConfigurationOptions & { authority?: string; format: string; out: string },
): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    await checkOutput(flags.out)
    const authority = name ?? flags.authority
    const { der, pem, lists } = await authorities.crl(authority)
    await writeOutput(flags.out, flags.format === 'der' ? der : pem)
    const revoked = (await authorities.issued(authority)).filter((one) => one.revoked)
    const ofKeys =
      lists === 1
        ? ''
        : flags.format === 'der'
          ? '; the list of the present key only'
          : `; one list for each of ${lists} keys`
    printWritten(flags.out, `${countText(revoked.length, 'revoked certificate')}${ofKeys}`)
  })
}
