import { type Command, Option } from 'commander'
import type { IssuedChain } from '../../tls/pki/authority/issue.ts'
import type { SignOptions } from '../../tls/pki/authority/sign.ts'
import { certificatePem, thumbprintOf } from '../../tls/pki/certificate/certificate.ts'
import { purposeIds } from '../../tls/pki/der/oids.ts'
import {
  type KeyFlags,
  keySpecOf,
  type SubjectFlags,
  subjectOf,
  withKeyOptions,
  withSubjectOptions,
} from '../cert/request-options.ts'
import { type PkiSession, withPki } from '../shared/certificate-store.ts'
import { type ConfigurationOptions, withConfig } from '../shared/configuration.ts'
import { UsageError } from '../shared/failure.ts'
import { checkOutput, passwordOf, readInput, withFileName, writeOutput } from '../shared/files.ts'
import { wholeNumber } from '../shared/options.ts'
import { countText, dayText, print, printResult, printWritten } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'
import { printTable } from '../shared/table.ts'
import { type ProfileFlags, profileOptions, withProfileOptions } from './profile-options.ts'

interface SignFlags extends ConfigurationOptions, ProfileFlags {
  readonly authority?: string
  readonly san?: readonly string[]
  readonly subordinate?: boolean
  readonly pathLength?: number
  readonly chain?: boolean
  readonly force?: boolean
  readonly out?: string
}

const withSignOptions = (command: Command): Command =>
  withProfileOptions(withConfig(command))
    .addOption(
      new Option('--purpose <name...>', 'intended purposes (default: those in the request, else serverAuth)').choices(
        Object.keys(purposeIds),
      ),
    )
    .option('--san <name...>', 'host names and IP addresses instead of those in the request')
    .option('--subordinate', 'issue the certificate of an authority')
    .option('--path-length <number>', 'largest number of authorities below it in a chain', wholeNumber)
    .option('--chain', 'also write the certificates of its issuers')
    .option('--force', 'issue the certificate even if every client would refuse it')
    .option('--out <file>', 'file for the certificate (PEM); - for standard output')
    .addOption(sharedOptions.json)

/** Adds `sealpost ca requests`, `ca approve` and `ca deny`. */
export function addRequests(ca: Command): void {
  withConfig(ca.command('requests'))
    .description('list the requests to standalone authorities')
    .option('--authority <name>', 'only those to this authority')
    .addOption(sharedOptions.json)
    .action(list)
  withSignOptions(ca.command('approve'))
    .description('approve a pending request and issue the certificate')
    .argument('<id>', 'number of the request, from ca requests', wholeNumber)
    .action((id: number, flags: SignFlags) =>
      withPki(flags, async (session) => {
        if (flags.out) await checkOutput(flags.out)
        const chain = await session.authorities.approve(id, signOptions(flags, session))
        await writeIssued(chain, flags, `Request ${id} is approved.`)
      }),
    )
  withConfig(ca.command('deny'))
    .description('deny a pending request')
    .argument('<id>', 'number of the request, from ca requests', wholeNumber)
    .addOption(sharedOptions.json)
    .action((id: number, flags: ConfigurationOptions) =>
      withPki(flags, async ({ authorities }) => {
        const { subject } = await authorities.deny(id)
        printResult(flags, { id, state: 'denied' }, `Request ${id} (${subject}) is denied.`)
      }),
    )
  addSigning(ca)
}

function addSigning(ca: Command): void {
  withSignOptions(ca.command('sign'))
    .description('issue a certificate for a request, also from a standalone authority')
    .argument('<file>', 'request (PKCS#10, DER or PEM); - for standard input')
    .option('--authority <name>', 'name of the authority (default: the default authority, see ca default)')
    .action((file: string, flags: SignFlags) =>
      withPki(flags, async (session) => {
        if (flags.out) await checkOutput(flags.out)
        const authority = flags.authority ? { authority: flags.authority } : {}
        const options = { ...signOptions(flags, session), ...authority }
        const request = await readInput(file)
        const chain = await withFileName(file, () => session.authorities.sign(request, options))
        await writeIssued(chain, { ...flags, out: flags.out ?? (flags.json ? undefined : '-') } as SignFlags, '')
      }),
    )
  withConfig(ca.command('submit'))
    .description('submit a certificate request: an enterprise authority issues immediately, a standalone one queues it')
    .argument('<file>', 'request (PKCS#10, DER or PEM); - for standard input')
    .option('--authority <name>', 'name of the authority (default: the default authority, see ca default)')
    .option('--chain', 'also write the certificates of its issuers')
    .option('--force', 'issue the certificate even if every client would refuse it')
    .option('--out <file>', 'file for the certificate (PEM); - for standard output', '-')
    .addOption(sharedOptions.json)
    .action(submit)
}

function signOptions(flags: SignFlags, { profiles }: PkiSession): SignOptions {
  return {
    ...profileOptions(flags, profiles),
    subordinate: flags.subordinate ?? false,
    force: flags.force ?? false,
    ...(flags.san ? { names: flags.san } : {}),
    ...(flags.pathLength === undefined ? {} : { pathLength: flags.pathLength }),
  }
}

/** Writes an issued certificate to the file of `--out` and prints its facts. */
async function writeIssued(chain: IssuedChain, flags: SignFlags, sentence: string): Promise<void> {
  const certificates = flags.chain ? chain : chain.slice(0, 1)
  const pem = certificates.map(certificatePem).join('')
  if (flags.out) await writeOutput(flags.out, pem)
  if (flags.out === '-') return
  const facts = { serial: chain[0].serialNumber, thumbprint: thumbprintOf(chain[0]) }
  if (flags.json) print(JSON.stringify({ ...facts, pem, ...(flags.out ? { file: flags.out } : {}) }))
  else {
    print(`${sentence} Serial number ${facts.serial}.`.trim())
    if (flags.out) printWritten(flags.out, countText(certificates.length, 'certificate'))
  }
}

function list(flags: ConfigurationOptions & { authority?: string }): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const entries = await authorities.requests(flags.authority)
    if (flags.json) return print(JSON.stringify(entries.map(({ request: _, ...one }) => one)))
    if (entries.length === 0) return print('There are no requests.')
    const rows = entries.map((one) => [String(one.id), one.authority, one.subject, dayText(one.receivedAt), one.state])
    printTable(['ID', 'AUTHORITY', 'ISSUED TO', 'RECEIVED', 'STATE'], rows)
  })
}

function submit(file: string, flags: SignFlags): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    if (flags.out) await checkOutput(flags.out)
    const request = await readInput(file)
    const options = { force: flags.force ?? false }
    const answer = await withFileName(file, () => authorities.submit(request, flags.authority, options))
    if (answer.state === 'issued')
      return writeIssued(answer.chain, flags, `"${answer.authority}" issued the certificate.`)
    const { authority, id } = answer
    if (flags.json) return print(JSON.stringify({ state: 'queued', authority, id }))
    print(
      `"${authority}" is a standalone authority: request ${id} is pending there. Approve it with: sealpost ca approve ${id}`,
    )
  })
}

interface UserFlags extends ConfigurationOptions, KeyFlags, SubjectFlags {
  readonly email?: readonly string[]
  readonly upn?: string
  readonly authority?: string
  readonly days?: number
  readonly password?: string
  readonly passwordFile?: string
  readonly legacy?: boolean
  readonly force?: boolean
  readonly out: string
}

/** Adds `sealpost ca user`. */
export function addUser(ca: Command): void {
  withKeyOptions(withSubjectOptions(withConfig(ca.command('user'))))
    .description('issue a certificate for a user, for log-on and S/MIME, as .p12 with its key')
    .argument('<name>', 'name of the person')
    .option('--email <address...>', 'mail addresses')
    .option('--upn <name>', 'user principal name, for example alice@lab.test')
    .option('--authority <name>', 'name of the authority (default: the default authority, see ca default)')
    .option('--days <number>', 'days of validity (default: 397)', wholeNumber)
    .requiredOption('--out <file>', '.p12 file to write')
    .option('--password <text>', 'password for the file')
    .option('--password-file <file>', 'file with the password in its first line')
    .option('--legacy', 'write a file that Windows XP can read')
    .option('--force', 'issue the certificate even if every client would refuse it')
    .addOption(sharedOptions.json)
    .action(user)
}

function user(commonName: string, flags: UserFlags): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const password = await passwordOf(flags)
    if (!password) throw new UsageError('the file contains the private key; give --password or --password-file')
    await checkOutput(flags.out)
    const key = keySpecOf(flags)
    const { chain, pkcs12 } = await authorities.issueUser({
      commonName,
      subject: subjectOf(flags),
      force: flags.force ?? false,
      ...(flags.email ? { emails: flags.email } : {}),
      ...(flags.upn ? { principalName: flags.upn } : {}),
      ...(flags.authority ? { authority: flags.authority } : {}),
      ...(key ? { key } : {}),
      ...(flags.days === undefined ? {} : { days: flags.days }),
    })
    await writeOutput(flags.out, pkcs12(password, flags.legacy), true)
    const facts = { serial: chain[0].serialNumber, thumbprint: thumbprintOf(chain[0]), file: flags.out }
    if (flags.json) print(JSON.stringify(facts))
    else printWritten(flags.out, `certificate of ${commonName}, serial number ${facts.serial}`)
  })
}
