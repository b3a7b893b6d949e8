import { type Command, InvalidArgumentError } from 'commander'
import { omitUndefined } from '../../core/values/omit-undefined.ts'
import { checkCountry, type SubjectFields } from '../../tls/pki/certificate/subject.ts'
import { type KeySpec, keySpecNamed } from '../../tls/pki/keys.ts'
import type { RequestOptions } from '../../tls/pki/lifecycle/request.ts'
import type { ConfigurationOptions } from '../shared/configuration.ts'
import { checkTyped, UsageError } from '../shared/failure.ts'

export interface KeyFlags {
  readonly bits?: number
  readonly curve?: string
  readonly key?: KeySpec
}

/** Fields of a subject, named as in openssl. */
export interface SubjectFlags {
  readonly cn?: string
  readonly o?: string
  readonly ou?: string
  readonly c?: string
  readonly st?: string
  readonly l?: string
}

/** Options that describe a request. */
export interface RequestFlags extends ConfigurationOptions, KeyFlags, SubjectFlags {
  readonly for: string
  readonly name?: string
  readonly email?: string
  readonly san?: readonly string[]
}

const curves: Record<string, KeySpec> = { 'P-256': 'p256', 'P-384': 'p384', 'P-521': 'p521', Ed25519: 'ed25519' }

function curve(text: string): string {
  const found = Object.keys(curves).find((name) => simplifyText(name) === simplifyText(text))
  if (found === undefined) throw new InvalidArgumentError(`It must be ${Object.keys(curves).join(', ')}.`)
  return found
}

const simplifyText = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '')

function bits(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 512 || number > 16384) {
    throw new InvalidArgumentError('It must be 512 to 16384 bits.')
  }
  return number
}

function keyType(text: string): KeySpec {
  const found = keySpecNamed(text)
  if (found === undefined) {
    throw new InvalidArgumentError(
      'Key types are rsa-2048 (or another size), p256, p384, p521, ed25519, ml-dsa-44, ml-dsa-65, ml-dsa-87.',
    )
  }
  return found
}

/** Adds `--bits`, `--curve` and `--key`. @param fallback the key without them */
export function withKeyOptions(command: Command, fallback = ''): Command {
  return command
    .option('--bits <number>', 'create an RSA key with this number of bits (512 to 16384; longer is slower)', bits)
    .option('--curve <name>', 'create an elliptic curve key: P-256, P-384, P-521, Ed25519', curve)
    .option(
      '--key <type>',
      `create a key of this type: rsa-3072, p256, ml-dsa-65 … (${fallback}ML-DSA needs Node.js 24.6 or later)`,
      keyType,
    )
}

function country(text: string): string {
  checkTyped(() => checkCountry(text))
  return text
}

/** Adds the fields of the subject except the common name. */
export function withSubjectOptions(command: Command): Command {
  return command
    .option('--o <name>', 'organization')
    .option('--ou <name>', 'organizational unit')
    .option('--c <code>', 'country, two capital letters such as DE (ISO 3166)', country)
    .option('--st <name>', 'state or province')
    .option('--l <name>', 'city or locality')
}

/** Adds all options that describe a request. @param others what `--for` takes besides a virtual server */
export function withRequestOptions(command: Command, others = ''): Command {
  const named = command
    .requiredOption('--for <virtual server>', `name or protocol of the virtual server${others}`)
    .option('--name <friendly name>', 'friendly name (default: the name of the virtual server)')
    .option('--cn <name>', 'common name: the host name that clients use (default: the hostname of the lab)')
    .option('--san <name...>', 'additional host names and IP addresses')
    .option('--email <address>', 'mail address in the subject')
  return withKeyOptions(withSubjectOptions(named), 'default: certificates.key of the file; ')
}

/** Returns the key type of `--bits`, `--curve` or `--key`. @throws UsageError for more than one */
export function keySpecOf(flags: KeyFlags): KeySpec | undefined {
  const given = [flags.bits, flags.curve, flags.key].filter((one) => one !== undefined)
  if (given.length > 1) throw new UsageError('give one of --bits, --curve and --key')
  if (flags.key !== undefined) return flags.key
  if (flags.bits !== undefined) return `rsa-${flags.bits}`
  return flags.curve === undefined ? undefined : curves[flags.curve]
}

/** Returns the fields of the subject that were given. */
export function subjectOf(flags: SubjectFlags): SubjectFields {
  const fields = {
    commonName: flags.cn,
    organization: flags.o,
    organizationalUnit: flags.ou,
    country: flags.c,
    state: flags.st,
    locality: flags.l,
  }
  return omitUndefined(fields)
}

/** Returns the options in the form that the library takes. */
export function requestOptions(flags: RequestFlags): RequestOptions {
  const subject = omitUndefined({ ...subjectOf(flags), email: flags.email })
  return omitUndefined({ for: flags.for, subject, friendlyName: flags.name, key: keySpecOf(flags), names: flags.san })
}
