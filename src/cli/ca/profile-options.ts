import { type Command, Option } from 'commander'
import { type IssuingProfile, issuingOptions, type WantedProfile } from '../../tls/pki/authority/issuing-profiles.ts'
import type { Purpose } from '../../tls/pki/der/oids.ts'
import type { HashName } from '../../tls/pki/keys.ts'
import { UsageError } from '../shared/failure.ts'
import { positiveNumber, wholeNumber } from '../shared/options.ts'

/** Options that say what kind of certificate is issued. */
export interface ProfileFlags {
  readonly days?: number
  readonly hours?: number
  readonly hash?: HashName
  readonly profile?: string
  readonly purpose?: readonly Purpose[]
}

/** Returns the option for the hash of a signature. */
export const hashOption = (description: string): Option =>
  new Option('--hash <name>', description).choices(['md5', 'sha1', 'sha256', 'sha384', 'sha512'])

/** Adds `--days`, `--hours`, `--hash` and `--profile`. */
export const withProfileOptions = (command: Command): Command =>
  command
    .option('--days <number>', 'days of validity (default: 397)', wholeNumber)
    .option('--hours <number>', 'hours of validity instead of days', positiveNumber)
    .addOption(hashOption('hash of the signature (default: that of the authority)'))
    .option(
      '--profile <name>',
      'kind of certificate: server, client, user, smime, code-signing, ocsp-responder, short-lived, must-staple, modern, intermediate, old, outlook-express, pqc or one of the configuration',
    )

/** Returns what the options say about a certificate. @throws UsageError for days and hours; PkiError for an unknown profile */
export function profileOptions(
  { days, hours, hash, profile, purpose }: ProfileFlags,
  configured: Readonly<Record<string, IssuingProfile>>,
): Omit<WantedProfile, 'profile'> {
  if (days !== undefined && hours !== undefined) throw new UsageError('give --days or --hours, not both')
  const life = hours === undefined ? days : hours / 24
  return issuingOptions(configured, {
    ...(profile === undefined ? {} : { profile }),
    ...(purpose ? { purposes: purpose } : {}),
    ...(life === undefined ? {} : { days: life }),
    ...(hash === undefined ? {} : { hash }),
  })
}
