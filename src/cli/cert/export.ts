import { extname } from 'node:path'
import { type Command, Option } from 'commander'
import { type ExportFormat, exportFormats } from '../../pki/lifecycle/export.ts'
import { withConfig } from '../configuration.ts'
import { UsageError } from '../failure.ts'
import { checkOutput, passwordOf, writeOutput } from '../files.ts'
import { print } from '../output.ts'
import { type PkiOptions, withPki } from './session.ts'

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
