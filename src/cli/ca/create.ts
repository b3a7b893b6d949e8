import { type Command, Option } from 'commander'
import type { AuthorityOptions } from '../../pki/authority/create.ts'
import type { AuthorityRecord } from '../../pki/certificate-store/index-file.ts'
import type { HashName } from '../../pki/keys.ts'
import {
  type KeyFlags,
  keyOf,
  type SubjectFlags,
  subjectOf,
  withKeyOptions,
  withSubjectOptions,
} from '../cert/request-options.ts'
import { type PkiOptions, withPki } from '../certificate-store.ts'
import { withConfig } from '../configuration.ts'
import { checkOutput, readInput, writeOutput } from '../files.ts'
import { wholeNumber } from '../options.ts'
import { print } from '../output.ts'

interface CreateFlags extends PkiOptions, KeyFlags, SubjectFlags {
  readonly type?: AuthorityRecord['type']
  readonly days?: number
  readonly pathLength?: number
  readonly permit?: readonly string[]
  readonly exclude?: readonly string[]
  readonly hash?: HashName
  readonly default?: boolean
}

interface SubordinateFlags extends CreateFlags {
  readonly parent?: string
  readonly outside?: boolean
  readonly out: string
}

function withAuthorityOptions(command: Command): Command {
  const described = withKeyOptions(withSubjectOptions(withConfig(command)))
    .argument('<name>', 'what the authority is called')
    .addOption(
      new Option('--type <type>', 'enterprise answers at once, standalone queues requests until they are approved')
        .choices(['enterprise', 'standalone'])
        .default('enterprise'),
    )
    .option('--cn <name>', "common name (default: the authority's name)")
    .option('--days <number>', 'days it is valid', wholeNumber)
    .option('--path-length <number>', 'how many authorities may stand below it in a path', wholeNumber)
    .option('--permit <name...>', 'name constraint: only below these (example.test, @example.test, 192.0.2.0/24)')
    .option('--exclude <name...>', 'name constraint: nothing below these')
  return described
    .addOption(
      new Option('--hash <name>', 'what it signs with; sha1 and md5 for old clients').choices([
        'md5',
        'sha1',
        'sha256',
        'sha384',
        'sha512',
      ]),
    )
    .option('--default', 'issue certificate: auto by it from now on')
    .option('--json', 'print JSON')
}

function authorityOptions(name: string, flags: CreateFlags): AuthorityOptions {
  const key = keyOf(flags)
  const constraints = {
    ...(flags.permit ? { permitted: flags.permit } : {}),
    ...(flags.exclude ? { excluded: flags.exclude } : {}),
  }
  return {
    name,
    subject: subjectOf(flags),
    constraints,
    makeDefault: flags.default ?? false,
    ...(flags.type ? { type: flags.type } : {}),
    ...(key ? { key } : {}),
    ...(flags.days === undefined ? {} : { days: flags.days }),
    ...(flags.pathLength === undefined ? {} : { pathLength: flags.pathLength }),
    ...(flags.hash ? { hash: flags.hash } : {}),
  }
}

const told = (record: AuthorityRecord, flags: CreateFlags): string => {
  const { name, role, type } = record
  if (flags.json) return JSON.stringify({ name, role, type })
  return `"${name}" is made: a ${role === 'root' ? 'root' : 'subordinate'} authority, ${type}.`
}

/** `sealpost ca create root|subordinate` and `ca install`. */
export function addCreate(ca: Command): void {
  const create = ca.command('create').description('make a certificate authority')
  withAuthorityOptions(create.command('root'))
    .description('make a root authority')
    .action((name: string, flags: CreateFlags) =>
      withPki(flags, async ({ authorities }) => {
        print(told(await authorities.createRoot(authorityOptions(name, flags)), flags))
      }),
    )
  withAuthorityOptions(create.command('subordinate'))
    .description('make an authority below another one of the lab, or below an outside one')
    .option('--parent <name>', 'the authority above it (default: the one that issues for certificate: auto)')
    .option('--outside', 'an outside authority signs it: write a request')
    .option('--out <file>', 'where the request for the outside authority goes', 'careq.txt')
    .action(subordinate)
  withConfig(ca.command('install'))
    .description("install the outside authority's answer to a subordinate's request")
    .argument('<file>', 'the answer: .cer (DER, PEM), .p7b, PEM chain; - for standard input')
    .option('--force', 'take an expired or not yet valid certificate')
    .option('--json', 'print JSON')
    .action((file: string, flags: PkiOptions & { force?: boolean }) =>
      withPki(flags, async ({ authorities }) => {
        const { name } = await authorities.install(await readInput(file), { force: flags.force ?? false })
        print(flags.json ? JSON.stringify({ name, ready: true }) : `"${name}" has its certificate and can issue now.`)
      }),
    )
}

function subordinate(name: string, flags: SubordinateFlags): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const options = authorityOptions(name, flags)
    if (!flags.outside) {
      const parent = flags.parent ? { parent: flags.parent } : {}
      return print(told(await authorities.createSubordinate({ ...options, ...parent }), flags))
    }
    await checkOutput(flags.out)
    const { record, pem } = await authorities.requestSubordinate(options)
    await writeOutput(flags.out, pem)
    if (flags.json) return print(JSON.stringify({ name: record.name, ready: false, file: flags.out, pem }))
    if (flags.out !== '-')
      print(
        `The request of "${name}" is in ${flags.out}. Send it to the outside authority, then: sealpost ca install FILE`,
      )
  })
}
