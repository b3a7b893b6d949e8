import { extname } from 'node:path'
import { type Command, Option } from 'commander'
import { readProtectedKey } from '../../tls/pki/keystore/protected-key.ts'
import { type ExportFormat, exportFormats } from '../../tls/pki/lifecycle/import-export.ts'
import { nameTakenText } from '../../tls/pki/lifecycle/request.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { UsageError } from '../shared/failure.ts'
import { checkOutput, passwordOf, readInput, withFileName, writeOutput } from '../shared/files.ts'
import { noteWarning, print, printResult, printWritten } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { completedText, NAME_HELP, noteWarningsOf } from './words.ts'

interface ImportFlags extends ConfigurationOptions {
  readonly password?: string
  readonly passwordFile?: string
  readonly key?: string
  readonly name?: string
  readonly for?: string
  readonly replace?: string
  readonly force?: boolean
}

/** Adds `sealpost cert import`. */
export function addImport(cert: Command): void {
  withConfig(cert.command('import'))
    .description('import a certificate with its key and chain from a .pfx, .p12 or PEM file')
    .argument('<file>', 'file; - for standard input')
    .option('--password <text>', 'password of the .pfx file, or of an encrypted key in PEM')
    .option('--password-file <file>', 'file with the password in its first line')
    .option('--key <file>', 'separate PEM file with the private key')
    .option('--name <friendly name>', 'friendly name (default: the one in the file)')
    .option('--for <virtual server>', 'assign it to this virtual server')
    .option('--replace <name>', 'replace this certificate: take over its friendly name and its virtual servers')
    .option('--force', 'accept a certificate that is expired or not yet valid')
    .addOption(sharedOptions.json)
    .action(importFile)
}

function importFile(file: string, flags: ImportFlags): Promise<void> {
  if (flags.name !== undefined && flags.replace !== undefined)
    throw new UsageError('with --replace, the certificate takes over the name of the other one; leave out --name')
  return withPki(flags, async (session) => {
    const octets = await readInput(file)
    const password = await passwordOf(flags)
    const key = flags.key === undefined ? undefined : await readKey(flags.key, password)
    const options = {
      ...(password === undefined ? {} : { password }),
      ...(key === undefined ? {} : { key }),
      ...(flags.name ? { friendlyName: flags.name } : {}),
      ...(flags.for ? { for: flags.for } : {}),
      ...(flags.replace ? { replaces: flags.replace } : {}),
      force: flags.force ?? false,
    }
    const record = await withFileName(file, () => session.certificates.import(octets, options))
    const { friendlyName, thumbprint, notAfter, completedTo } = record
    if (flags.name && flags.name.trim() !== friendlyName) noteWarning(nameTakenText(flags.name, friendlyName))
    const users = (await session.certificates.show(thumbprint)).usedBy
    const assigned =
      users.length > 0
        ? `; ${users.map((user) => `"${user}"`).join(', ')} now use${users.length === 1 ? 's' : ''} it`
        : ''
    await noteWarningsOf(session, users)
    printResult(
      flags,
      { friendlyName, thumbprint, notAfter, completedTo },
      completedTo === undefined
        ? `"${friendlyName}" is imported (thumbprint ${thumbprint})${assigned}.`
        : completedText(friendlyName, completedTo),
    )
  })
}

/** Returns the private key in a file. Errors name the file. */
async function readKey(file: string, password: string | undefined): Promise<string> {
  const pem = (await readInput(file)).toString('latin1')
  await withFileName(file, () => readProtectedKey(pem, password))
  return pem
}

interface ExportFlags extends ConfigurationOptions {
  readonly out: string
  readonly format?: ExportFormat
  readonly password?: string
  readonly passwordFile?: string
  readonly legacy?: boolean
}

const byExtension: Record<string, ExportFormat> = {
  '.pfx': 'pfx',
  '.p12': 'pfx',
  '.pem': 'pem',
  '.cer': 'cer',
  '.crt': 'cer',
  '.der': 'cer',
  '.p7b': 'p7b',
  '.p7c': 'p7b',
}

/** Adds `sealpost cert export`. */
export function addExport(cert: Command): void {
  withConfig(cert.command('export'))
    .description('export a certificate with its chain; .pfx, .p12 and .pem include the private key')
    .argument('<name>', NAME_HELP)
    .requiredOption('--out <file>', 'file to write; - for standard output')
    .addOption(
      new Option('--format <format>', 'format (default: from the extension of the file)').choices(exportFormats),
    )
    .option('--password <text>', 'password that protects the private key; a .pfx file needs one')
    .option('--password-file <file>', 'file with the password in its first line')
    .option('--legacy', 'write a .pfx that Windows XP can read')
    .addOption(sharedOptions.json)
    .action(exportFile)
}

function exportFile(name: string, flags: ExportFlags): Promise<void> {
  const format = flags.format ?? byExtension[extname(flags.out).toLowerCase()]
  if (format === undefined)
    throw new UsageError(`the format of ${flags.out} is unknown; give --format ${exportFormats.join('|')}`)
  return withPki(flags, async ({ certificates }) => {
    await checkOutput(flags.out)
    const password = await passwordOf(flags)
    const options = { format, legacy: flags.legacy ?? false, ...(password === undefined ? {} : { password }) }
    await writeOutput(flags.out, await certificates.export(name, options), format === 'pfx' || format === 'pem')
    if (flags.json) print(JSON.stringify({ file: flags.out, format }))
    else printWritten(flags.out, contents(name, format))
  })
}

const contents = (name: string, format: ExportFormat): string =>
  format === 'pfx' || format === 'pem' ? `"${name}" with its private key` : `"${name}"`
