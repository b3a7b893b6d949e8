import type { Command } from 'commander'
import { thumbprintOf } from '../../pki/x509/certificate.ts'
import {
  type KeyFlags,
  keyOf,
  type SubjectFlags,
  subjectOf,
  withKeyOptions,
  withSubjectOptions,
} from '../cert/request-options.ts'
import { type PkiOptions, withPki } from '../cert/session.ts'
import { withConfig } from '../configuration.ts'
import { UsageError } from '../failure.ts'
import { checkOutput, passwordOf, writeOutput } from '../files.ts'
import { wholeNumber } from '../numbers.ts'
import { print } from '../output.ts'

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
