import type { Command } from 'commander'
import { withConfig } from '../configuration.ts'
import { passwordOf, readInput } from '../files.ts'
import { print } from '../output.ts'
import { type PkiOptions, withPki } from './session.ts'

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
