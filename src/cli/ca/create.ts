import { type Command, Option } from 'commander'
import type { AuthorityOptions } from '../../tls/pki/authority/create.ts'
import type { AuthorityRecord } from '../../tls/pki/certificate-store/index-file.ts'
import type { HashName } from '../../tls/pki/keys.ts'
import type { LabFacts } from '../../tls/pki/lifecycle/context.ts'
import {
  type KeyFlags,
  keySpecOf,
  type SubjectFlags,
  subjectOf,
  withKeyOptions,
  withSubjectOptions,
} from '../cert/request-options.ts'
import { withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { checkOutput, readInput, withFileName, writeOutput } from '../shared/files.ts'
import { wholeNumber } from '../shared/options.ts'
import { noteWarning, print, printResult } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { hashOption } from './profile-options.ts'

interface CreateFlags extends ConfigurationOptions, KeyFlags, SubjectFlags {
  readonly type?: AuthorityRecord['type']
  readonly days?: number
  readonly pathLength?: number
  readonly permit?: readonly string[]
  readonly exclude?: readonly string[]
  readonly hash?: HashName
  readonly default?: boolean
  readonly force?: boolean
}

interface SubordinateFlags extends CreateFlags {
  readonly parent?: string
  readonly outside?: boolean
  readonly out: string
}

function withAuthorityOptions(command: Command): Command {
  return withKeyOptions(withSubjectOptions(withConfig(command)))
    .argument('<name>', 'name of the authority')
    .addOption(
      new Option('--type <type>', 'enterprise: issues immediately. standalone: queues requests until they are approved')
        .choices(['enterprise', 'standalone'])
        .default('enterprise'),
    )
    .option('--cn <name>', "common name (default: the authority's name)")
    .option('--days <number>', 'days of validity', wholeNumber)
    .option('--path-length <number>', 'largest number of authorities below it in a chain', wholeNumber)
    .option('--permit <name...>', 'name constraint: only these names (example.test, @example.test, 192.0.2.0/24)')
    .option('--exclude <name...>', 'name constraint: not these names')
    .addOption(hashOption('hash of its signatures; sha1 and md5 are for old clients'))
    .option('--default', 'let this authority issue for certificate: auto')
    .option('--force', 'create it even if every client would refuse it or the certificates that it issues')
    .addOption(sharedOptions.json)
}

function authorityOptions(name: string, flags: CreateFlags, { names }: LabFacts): AuthorityOptions {
  const key = keySpecOf(flags)
  const constraints = {
    ...(flags.permit ? { permitted: flags.permit } : {}),
    ...(flags.exclude ? { excluded: flags.exclude } : {}),
  }
  return {
    name,
    subject: subjectOf(flags),
    constraints,
    makeDefault: flags.default ?? false,
    autoNames: names,
    force: flags.force ?? false,
    ...(flags.type ? { type: flags.type } : {}),
    ...(key ? { key } : {}),
    ...(flags.days === undefined ? {} : { days: flags.days }),
    ...(flags.pathLength === undefined ? {} : { pathLength: flags.pathLength }),
    ...(flags.hash ? { hash: flags.hash } : {}),
  }
}

function printCreated({ name, role, type }: AuthorityRecord, flags: CreateFlags): void {
  const level = role === 'root' ? 'root' : 'subordinate'
  printResult(
    flags,
    { name, role, type },
    `Created "${name}", ${type === 'enterprise' ? 'an' : 'a'} ${type} ${level} authority.`,
  )
}

/** Adds `sealpost ca create root|subordinate` and `ca install`. */
export function addCreate(ca: Command): void {
  const create = ca.command('create').description('create a certificate authority')
  withAuthorityOptions(create.command('root'))
    .description('create a root authority')
    .action((name: string, flags: CreateFlags) =>
      withPki(flags, async ({ authorities, lab }) => {
        printCreated(await authorities.createRoot(authorityOptions(name, flags, lab)), flags)
      }),
    )
  withAuthorityOptions(create.command('subordinate'))
    .description('create an authority below another one of the lab, or below an outside one')
    .option('--parent <name>', 'authority that issues its certificate (default: the default authority, see ca default)')
    .option('--outside', 'write a request for an outside authority')
    .option('--out <file>', 'file for the request', 'careq.txt')
    .action(subordinate)
  withConfig(ca.command('install'))
    .description('install the certificate that an outside authority issued for a subordinate authority')
    .argument('<file>', 'certificate: .cer (DER, PEM), .p7b or PEM chain; - for standard input')
    .option('--force', 'accept a certificate that is expired or not yet valid')
    .addOption(sharedOptions.json)
    .action((file: string, flags: ConfigurationOptions & { force?: boolean }) =>
      withPki(flags, async ({ authorities, lab: { names: autoNames } }) => {
        const answer = await readInput(file)
        const options = { force: flags.force ?? false, autoNames }
        const { name, warnings } = await withFileName(file, () => authorities.install(answer, options))
        for (const warning of warnings) noteWarning(warning)
        const result = { name, ready: true, warnings }
        printResult(flags, result, `"${name}" has its certificate and can now issue certificates.`)
      }),
    )
}

function subordinate(name: string, flags: SubordinateFlags): Promise<void> {
  return withPki(flags, async ({ authorities, lab }) => {
    const options = authorityOptions(name, flags, lab)
    if (!flags.outside) {
      const parent = flags.parent ? { parent: flags.parent } : {}
      return printCreated(await authorities.createSubordinate({ ...options, ...parent }), flags)
    }
    await checkOutput(flags.out)
    const { record, pem } = await authorities.requestSubordinate(options)
    await writeOutput(flags.out, pem)
    if (flags.json) return print(JSON.stringify({ name: record.name, ready: false, file: flags.out, pem }))
    if (flags.out !== '-') {
      print(
        `Wrote ${flags.out} (certificate request). Send it to the outside authority, then run: sealpost ca install FILE`,
      )
    }
  })
}
