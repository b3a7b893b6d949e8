import type { ArcResult } from '../mail/authentication-results.ts'
import { checkSignatures, type SignatureLimits, type SignatureResult } from './check-signatures.ts'
import type { MailauthPackage } from './mailauth.ts'
import type { NameLookup } from './names.ts'
import { type Field, valueOf } from './signed-fields.ts'
import type { SplitMessage } from './split-message.ts'
import { parseTags, withoutSpace } from './tag-list.ts'

/** The fields of an ARC set. RFC 8617 section 4.1. */
export const ARC_FIELDS: readonly string[] = ['arc-seal', 'arc-message-signature', 'arc-authentication-results']

/** Longest field of an ARC set that is read. */
const MAX_FIELD_OCTETS = 16 * 1024

/** A header in the form of the package. */
export const headersOf = (fields: readonly Field[]) => ({
  parsed: fields.map(({ nameLower, text }) => ({
    key: nameLower,
    casedKey: text.slice(0, nameLower.length),
    line: Buffer.from(text, 'latin1'),
  })),
})

/** Checks the chain of seals of a message. RFC 8617 section 5.2. */
export async function checkArc(
  mailauth: MailauthPackage | undefined,
  message: SplitMessage,
  lookUp: NameLookup,
  limits: SignatureLimits,
): Promise<ArcResult> {
  const fields = message.fields.filter(({ nameLower }) => ARC_FIELDS.includes(nameLower))
  if (fields.length === 0 || !mailauth) return { result: 'none' }
  if (fields.some(({ text }) => text.length > MAX_FIELD_OCTETS))
    return { result: 'fail', reason: 'a field is too long' }
  const sets = fields.map(({ nameLower, text }) => ({ nameLower, text, instance: instanceOf(text) }))
  const instance = Math.max(...sets.map((one) => one.instance))
  const seal = sets.find((one) => one.nameLower === 'arc-seal' && one.instance === instance)
  const facts = {
    ...(instance > 0 ? { instance } : {}),
    ...(seal ? { domain: withoutSpace(parseTags(valueOf(seal))?.get('d') ?? '').toLowerCase() } : {}),
  }
  let chain: ReturnType<MailauthPackage['getARChain']>
  try {
    chain = mailauth.getARChain(headersOf(fields))
  } catch (error) {
    return { result: 'fail', reason: (error as Error).message, ...facts }
  }
  if (!chain) return { result: 'fail', reason: 'no field has an instance', ...facts }
  const last = chain.at(-1)
  // The latest message signature must be valid. RFC 8617 section 5.2, step 4
  const signature = await latestSignature(message, instance, lookUp, limits)
  if (last && signature) {
    last.messageSignature = {
      signingDomain: signature.domain,
      status: { result: signature.result },
      info: '',
    } as NonNullable<typeof last.messageSignature>
  }
  const found = await mailauth.arc(
    { chain, ...(last ? { lastEntry: last } : {}) },
    { minBitLength: limits.minimumKeyBits, resolver: lookUp as never },
  )
  const { result, comment } = found.status
  const why = signature?.result === 'pass' ? comment || 'a seal is not valid' : (signature?.reason ?? comment)
  return { result: result === 'pass' ? 'pass' : 'fail', ...(result !== 'pass' && why ? { reason: why } : {}), ...facts }
}

/** Returns the number of an ARC set that a field belongs to; 0 if it does not say. */
export function instanceOf(text: string): number {
  const [, digits = '0'] = /^[^:]*:(?:[^;]*;)*?[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*(\d{1,4})/.exec(text) ?? []
  return Number(digits)
}

async function latestSignature(
  message: SplitMessage,
  instance: number,
  lookUp: NameLookup,
  limits: SignatureLimits,
): Promise<SignatureResult | undefined> {
  const field = message.fields.find(
    ({ nameLower, text }) => nameLower === 'arc-message-signature' && instanceOf(text) === instance,
  )
  if (!field) return undefined
  const [result] = await checkSignatures(message, [{ kind: 'ARC-Message-Signature', field }], lookUp, limits)
  return result
}
