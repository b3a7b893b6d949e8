import { type Command, Option } from 'commander'
import type { IssuedChain, SignOptions } from '../../pki/authority/sign.ts'
import { certificatePem, thumbprintOf } from '../../pki/certificate/certificate.ts'
import { type Purpose, purposeIds } from '../../pki/der/oids.ts'
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
import { UsageError } from '../failure.ts'
import { checkOutput, passwordOf, readInput, writeOutput } from '../files.ts'
import { wholeNumber } from '../options.ts'
import { dayText, print, table } from '../output.ts'

interface SignFlags extends PkiOptions {
  readonly authority?: string
  readonly days?: number
  readonly purpose?: readonly Purpose[]
  readonly san?: readonly string[]
  readonly subordinate?: boolean
  readonly pathLength?: number
  readonly chain?: boolean
  readonly out?: string
}

const withSignOptions = (command: Command): Command =>
  withConfig(command)
    .option('--days <number>', 'days it is valid (default: 397)', wholeNumber)
    .addOption(
      new Option('--purpose <name...>', 'intended purposes (default: those asked for, else serverAuth)').choices(
        Object.keys(purposeIds),
      ),
    )
    .option('--san <name...>', 'host names and addresses in place of those asked for')
    .option('--subordinate', "sign an authority's certificate")
    .option('--path-length <number>', 'how many authorities may stand below it in a path', wholeNumber)
    .option('--chain', 'write its issuers too')
    .option('--out <file>', 'where the certificate goes (PEM), - for standard output')
    .option('--json', 'print JSON')

/** `sealpost ca requests`, `ca approve`, `ca deny`, `ca submit` and `ca sign`. */
export function addRequests(ca: Command): void {
  withConfig(ca.command('requests'))
    .description('the requests that standalone authorities have, or had, to decide on')
    .option('--authority <name>', 'only those of this authority')
    .option('--json', 'print JSON')
    .action(list)
  withSignOptions(ca.command('approve'))
    .description('issue what a queued request asks for')
    .argument('<id>', 'its number, as ca requests shows it', wholeNumber)
    .action((id: number, flags: SignFlags) =>
      withPki(flags, async ({ authorities }) => {
        if (flags.out) await checkOutput(flags.out)
        const chain = await authorities.approve(id, signOptions(flags))
        await deliver(chain, flags, `Request ${id} is approved.`)
      }),
    )
  withConfig(ca.command('deny'))
    .description('turn a queued request down')
    .argument('<id>', 'its number, as ca requests shows it', wholeNumber)
    .option('--json', 'print JSON')
    .action((id: number, flags: PkiOptions) =>
      withPki(flags, async ({ authorities }) => {
        const { subject } = await authorities.deny(id)
        print(flags.json ? JSON.stringify({ id, state: 'denied' }) : `Request ${id} (${subject}) is denied.`)
      }),
    )
  addSigning(ca)
}

function addSigning(ca: Command): void {
  withSignOptions(ca.command('sign'))
    .description('sign a certificate request, whatever the type of the authority')
    .argument('<file>', 'the request (PKCS#10, DER or PEM); - for standard input')
    .option('--authority <name>', 'the authority (default: the one that issues for certificate: auto)')
    .action((file: string, flags: SignFlags) =>
      withPki(flags, async ({ authorities }) => {
        if (flags.out) await checkOutput(flags.out)
        const authority = flags.authority ? { authority: flags.authority } : {}
        const chain = await authorities.sign(await readInput(file), { ...signOptions(flags), ...authority })
        await deliver(chain, { ...flags, out: flags.out ?? (flags.json ? undefined : '-') } as SignFlags, '')
      }),
    )
  withConfig(ca.command('submit'))
    .description('hand a certificate request in: an enterprise authority answers at once, a standalone one queues it')
    .argument('<file>', 'the request (PKCS#10, DER or PEM); - for standard input')
    .option('--authority <name>', 'the authority (default: the one that issues for certificate: auto)')
    .option('--chain', 'write the issuers too')
    .option('--out <file>', 'where the certificate goes (PEM), - for standard output', '-')
    .option('--json', 'print JSON')
    .action(submit)
}

function signOptions(flags: SignFlags): SignOptions {
  return {
    subordinate: flags.subordinate ?? false,
    ...(flags.days === undefined ? {} : { days: flags.days }),
    ...(flags.purpose ? { purposes: flags.purpose } : {}),
    ...(flags.san ? { names: flags.san } : {}),
    ...(flags.pathLength === undefined ? {} : { pathLength: flags.pathLength }),
  }
}

async function deliver(chain: IssuedChain, flags: SignFlags, sentence: string): Promise<void> {
  const pem = (flags.chain ? chain : chain.slice(0, 1)).map(certificatePem).join('')
  if (flags.out) await writeOutput(flags.out, pem)
  if (flags.out === '-') return
  const facts = { serial: chain[0].serialNumber, thumbprint: thumbprintOf(chain[0]) }
  if (flags.json) print(JSON.stringify({ ...facts, pem, ...(flags.out ? { file: flags.out } : {}) }))
  else
    print(`${sentence} Serial number ${facts.serial}${flags.out ? `; the certificate is in ${flags.out}` : ''}.`.trim())
}

function list(flags: PkiOptions & { authority?: string }): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const entries = await authorities.requests(flags.authority)
    if (flags.json) return print(JSON.stringify(entries.map(({ request: _, ...one }) => one)))
    if (entries.length === 0) return print('No request waits.')
    const rows = entries.map((one) => [String(one.id), one.authority, one.subject, dayText(one.receivedAt), one.state])
    print(table(['id', 'authority', 'issued to', 'received', 'state'], rows))
  })
}

function submit(file: string, flags: SignFlags): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    if (flags.out) await checkOutput(flags.out)
    const answer = await authorities.submit(await readInput(file), flags.authority)
    if (answer.state === 'issued') return deliver(answer.chain, flags, `"${answer.authority}" issued the certificate.`)
    const { authority, id } = answer
    if (flags.json) return print(JSON.stringify({ state: 'queued', authority, id }))
    print(
      `"${authority}" is a standalone authority: the request waits there as number ${id}. Approve it with: sealpost ca approve ${id}`,
    )
  })
}

interface UserFlags extends PkiOptions, KeyFlags, SubjectFlags {
  readonly email?: readonly string[]
  readonly upn?: string
  readonly authority?: string
  readonly days?: number
  readonly password?: string
  readonly passwordFile?: string
  readonly legacy?: boolean
  readonly out: string
}

/** `sealpost ca user`: a user's certificate. */
export function addUser(ca: Command): void {
  withKeyOptions(withSubjectOptions(withConfig(ca.command('user'))))
    .description("issue a user's certificate, for log-on and S/MIME, as .p12 with its key")
    .argument('<name>', "the person's name")
    .option('--email <address...>', 'mail addresses')
    .option('--upn <name>', 'user principal name, as alice@lab.test')
    .option('--authority <name>', 'the authority (default: the one that issues for certificate: auto)')
    .option('--days <number>', 'days it is valid (default: 397)', wholeNumber)
    .requiredOption('--out <file>', 'the .p12 file to write')
    .option('--password <text>', 'protects the file')
    .option('--password-file <file>', 'the same, from the first line of a file')
    .option('--legacy', 'in a form that Windows XP reads')
    .option('--json', 'print JSON')
    .action(user)
}

function user(commonName: string, flags: UserFlags): Promise<void> {
  return withPki(flags, async ({ authorities }) => {
    const password = await passwordOf(flags)
    if (!password) throw new UsageError('the file carries the private key: give --password or --password-file')
    await checkOutput(flags.out)
    const key = keyOf(flags)
    const { chain, pkcs12 } = await authorities.issueUser({
      commonName,
      subject: subjectOf(flags),
      ...(flags.email ? { emails: flags.email } : {}),
      ...(flags.upn ? { principalName: flags.upn } : {}),
      ...(flags.authority ? { authority: flags.authority } : {}),
      ...(key ? { key } : {}),
      ...(flags.days === undefined ? {} : { days: flags.days }),
    })
    await writeOutput(flags.out, pkcs12(password, flags.legacy), true)
    const facts = { serial: chain[0].serialNumber, thumbprint: thumbprintOf(chain[0]), file: flags.out }
    if (flags.json) print(JSON.stringify(facts))
    else if (flags.out !== '-')
      print(`The certificate of ${commonName} is in ${flags.out} (serial number ${facts.serial}).`)
  })
}
