import { z } from 'zod'
import { hostName } from './values.ts'

/** Certificates with one thing wrong, or odd, each; and good ones to compare with. What each is: docs/testing.md. */
export const defectNames = [
  'expired',
  'not-yet-valid',
  'wrong-host',
  'self-signed',
  'untrusted-root',
  'incomplete-chain',
  'reversed-chain',
  'revoked',
  'no-san',
  'no-subject',
  'weak-key',
  'weak-key-512',
  'sha1-signature',
  'md5-signature',
  'wrong-purpose',
  'ca-as-leaf',
  'name-constraint-violated',
  'thousand-sans',
  'rsa-8192',
  'ip-only',
  'wildcard',
  'must-staple-without-staple',
  'rsa',
  'p256',
  'p384',
  'ed25519',
  'one-intermediate',
  'two-intermediates',
] as const
export type DefectName = (typeof defectNames)[number]

/** What a virtual server is to wear: a recipe, and the host name it is for (default: the lab's names). */
export interface Defect {
  readonly defect: DefectName
  readonly hostname?: string | undefined
}

const PREFIX = 'defect:'

/** A defect as a plain setting, as the other values of `certificate:` are: `defect:expired`, `defect:expired:HOST`. */
export const defectSetting = ({ defect, hostname }: Defect): string =>
  `${PREFIX}${defect}${hostname === undefined ? '' : `:${hostname}`}`

/** The other way round; undefined for any other setting. */
export function defectOf(setting: string): Defect | undefined {
  if (!setting.startsWith(PREFIX)) return undefined
  const [name = '', hostname] = setting.slice(PREFIX.length).split(':')
  const defect = defectNames.find((known) => known === name)
  if (defect === undefined) return undefined
  return hostname === undefined ? { defect } : { defect, hostname }
}

export const defect = z
  .strictObject({
    defect: z
      .enum(defectNames)
      .describe('What is wrong with it; docs/testing.md tells what each is.')
      .meta({ examples: ['expired'] }),
    hostname: hostName
      .optional()
      .describe('The host name that it is for; the lab’s names where absent.')
      .meta({ examples: ['expired.lab.test'] }),
  })
  .transform(defectSetting)
