import { createHash, type KeyObject } from 'node:crypto'
import type { DkimKeyConfig } from '../../core/config/schema/mail-authentication.ts'
import { BodyHasher, type Canonicalization, canonicalField, hashBody } from './canonicalization.ts'
import { type Field, fieldsToSign } from './signed-fields.ts'
import type { SplitMessage } from './split-message.ts'
import { algorithmOf, foldedNames, signedField } from './write-field.ts'

/** How a domain signs, with its key. */
interface DkimSigner {
  readonly config: DkimKeyConfig
  readonly key: KeyObject
}

/** Returns DKIM-Signature fields, one for each signer, with their line ends. RFC 6376 section 5. @param at milliseconds since the epoch */
export async function dkimSignatures(
  { fields, body }: SplitMessage,
  signers: readonly DkimSigner[],
  at: number,
): Promise<string[]> {
  const wanted = new Set(signers.map(({ config }) => canonicalizations(config).ofBody))
  const hashes = await hashBody(body(), new Map([...wanted].map((one) => [one, new BodyHasher(one)])))
  return signers.map((signer) => {
    const bodyHash = hashes.get(canonicalizations(signer.config).ofBody)?.base64 ?? ''
    return signature(fields, signer, bodyHash, Math.floor(at / 1000))
  })
}

const canonicalizations = ({ canonicalization }: DkimKeyConfig) => {
  const [ofHeader = '', ofBody = ''] = canonicalization.split('/')
  return { ofHeader: ofHeader as Canonicalization, ofBody: ofBody as Canonicalization }
}

/** Seconds since which the signatures with the defect `expired` are not valid. */
const EXPIRED_S = 3600

function signature(fields: readonly Field[], { config, key }: DkimSigner, bodyHash: string, nowS: number): string {
  const { domain, selector, canonicalization, expiresAfter, defect } = config
  const { names, signed } = fieldsToSign(
    defect === 'from-not-signed' ? fields.filter(({ nameLower }) => nameLower !== 'from') : fields,
  )
  const listed = defect === 'from-not-signed' ? names.filter((name) => name !== 'From') : names
  const signedAt = defect === 'expired' ? nowS - 2 * EXPIRED_S : nowS
  const expiresAt = defect === 'expired' ? nowS - EXPIRED_S : expiresAfter && signedAt + Math.ceil(expiresAfter / 1000)
  const tags = [
    'v=1',
    `a=${algorithmOf(key)}`,
    `c=${canonicalization}`,
    `d=${domain}`,
    `s=${selector}`,
    `t=${signedAt}`,
    ...(expiresAt === undefined ? [] : [`x=${expiresAt}`]),
    `h=${foldedNames(listed)}`,
    `bh=${defect === 'wrong-body-hash' ? createHash('sha256').update('another body').digest('base64') : bodyHash}`,
  ]
  const unsigned = `DKIM-Signature: ${tags.slice(0, 7).join('; ')};\r\n\t${tags.slice(7).join(';\r\n\t')};\r\n\tb=`
  const canonical = canonicalField[canonicalizations(config).ofHeader]
  const covered = signed.map(({ text }) => `${canonical(text)}\r\n`)
  const signs = defect === 'bad-signature' ? [...covered, 'x'] : covered
  return signedField(unsigned, signs, canonical, key)
}
