import { extname } from 'node:path'
import { type Command, Option } from 'commander'
import { type ExportFormat, exportFormats } from '../../pki/lifecycle/import-export.ts'
import { type PkiOptions, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { UsageError } from '../failure.ts'
import { checkOutput, passwordOf, readInput, writeOutput } from '../files.ts'
import { print } from '../output.ts'

interface ImportFlags extends PkiOptions {
  readonly password?: string
  readonly passwordFile?: string
  readonly key?: string
  readonly name?: string
  readonly for?: string
  readonly force?: boolean
}

/** `sealpost cert import`. */
export function addImport(cert: Command): void {
  withConfig(cert.command('import'))
    .description('import a certificate with its key and chain, from .pfx, .p12 or PEM')
    .argument('<file>', 'the file; - for standard input')
    .option('--password <text>', 'password of the file or its key')
    .option('--password-file <file>', 'the same, from the first line of a file')
    .option('--key <file>', 'private key in a PEM file of its own')
    .option('--name <friendly name>', 'friendly name (default: the one in the file)')
    .option('--for <virtual server>', 'assign it to this virtual server')
    .option('--force', 'take an expired or not yet valid certificate')
    .option('--json', 'print JSON')
    .action(importFile)
}

function importFile(file: string, flags: ImportFlags): Promise<void> {
  return withPki(flags, async ({ certificates }) => {
    const octets = await readInput(file)
    const password = await passwordOf(flags)
    const record = await certificates.import(octets, {
      ...(password === undefined ? {} : { password }),
      ...(flags.key ? { key: (await readInput(flags.key)).toString('latin1') } : {}),
      ...(flags.name ? { friendlyName: flags.name } : {}),
      ...(flags.for ? { for: flags.for } : {}),
      force: flags.force ?? false,
    })
    const { friendlyName, thumbprint, notAfter } = record
    if (flags.json) return print(JSON.stringify({ friendlyName, thumbprint, notAfter }))
    print(
      `"${friendlyName}" is imported (thumbprint ${thumbprint})${flags.for ? ` and assigned to "${flags.for}"` : ''}.`,
    )
  })
}

interface ExportFlags extends PkiOptions {
  readonly out: string
  readonly format?: ExportFormat
  readonly password?: string
  readonly passwordFile?: string
  readonly legacy?: boolean
}

const byEnding: Record<string, ExportFormat> = {
  '.pfx': 'pfx',
  '.p12': 'pfx',
  '.pem': 'pem',
  '.cer': 'cer',
  '.crt': 'cer',
  '.der': 'cer',
  '.p7b': 'p7b',
  '.p7c': 'p7b',
}

/** `sealpost cert export`. */
export function addExport(cert: Command): void {
  withConfig(cert.command('export'))
    .description('export a certificate with its chain; .pfx, .p12 and .pem carry the private key too')
    .argument('<name>', 'friendly name or thumbprint')
    .requiredOption('--out <file>', 'the file to write')
    .addOption(new Option('--format <format>', 'what to write (default: what the ending says)').choices(exportFormats))
    .option('--password <text>', 'protects the private key')
    .option('--password-file <file>', 'the same, from the first line of a file')
    .option('--legacy', 'a .pfx that Windows XP reads')
    .option('--json', 'print JSON')
    .action(exportFile)
}

function exportFile(name: string, flags: ExportFlags): Promise<void> {
  const format = flags.format ?? byEnding[extname(flags.out).toLowerCase()]
  if (format === undefined)
    throw new UsageError(`what is ${flags.out} to hold? Give --format ${exportFormats.join('|')}`)
  return withPki(flags, async ({ certificates }) => {
    await checkOutput(flags.out)
    const password = await passwordOf(flags)
    const options = { format, legacy: flags.legacy ?? false, ...(password === undefined ? {} : { password }) }
    await writeOutput(flags.out, await certificates.export(name, options), format === 'pfx' || format === 'pem')
    if (flags.json) print(JSON.stringify({ file: flags.out, format }))
    else if (flags.out !== '-') print(`"${name}" is in ${flags.out}.`)
  })
}
