import type { DkimResult } from '../../mail/format/authentication-results.ts'
import { BodyHasher, hashBody } from './canonicalization.ts'
import { publicKeyOf, SignatureProblem } from './key-record.ts'
import type { NameLookup } from './names.ts'
import { bodyHashKey, checkSignature, MAX_FIELD_OCTETS, readSignature, type SignatureKind } from './signature.ts'
import { type Field, fieldValue } from './signed-fields.ts'
import type { SplitMessage } from './split-message.ts'
import { parseTags, withoutSpace } from './tag-list.ts'

/** The signatures of a message that are checked. RFC 6376 section 6.1. */
const MAX_SIGNATURES = 10

/** The result of a signature, without its alignment. */
export type SignatureResult = Omit<DkimResult, 'aligned'>

export interface SignatureLimits {
  readonly minimumKeyBits: number
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Checks signature fields of a message, in their order. */
export async function checkSignatures(
  message: SplitMessage,
  wanted: readonly { readonly kind: SignatureKind; readonly field: Field }[],
  lookUp: NameLookup,
  { minimumKeyBits, at }: SignatureLimits,
): Promise<SignatureResult[]> {
  const read = wanted.map(({ kind, field }, index) => {
    try {
      if (index < MAX_SIGNATURES) return readSignature(kind, field)
      return new SignatureProblem('policy', `more than ${MAX_SIGNATURES} signatures`)
    } catch (error) {
      return toProblem(error)
    }
  })
  const hashers = new Map<string, BodyHasher>()
  for (const one of read) {
    if (!(one instanceof SignatureProblem)) hashers.set(bodyHashKey(one), new BodyHasher(one.ofBody, one.bodyOctets))
  }
  const hashes = await hashBody(message.body(), hashers)
  return Promise.all(
    read.map(async (one, index): Promise<SignatureResult> => {
      let facts: Omit<SignatureResult, 'result'> = factsOf(wanted[index]?.field)
      try {
        if (one instanceof SignatureProblem) throw one
        const key = await publicKeyOf(one, lookUp)
        facts = { ...facts, record: key.record, ...(key.bits === undefined ? {} : { keyBits: key.bits }) }
        const reason = checkSignature(one, key, {
          fields: message.fields,
          bodyHash: hashes.get(bodyHashKey(one)),
          minimumKeyBits,
          nowS: Math.floor(at / 1000),
        })
        return reason === undefined ? { ...facts, result: 'pass' } : { ...facts, result: 'fail', reason }
      } catch (error) {
        const { result, message: reason } = toProblem(error)
        return { ...facts, result, reason }
      }
    }),
  )
}

/** @throws every error that is not a problem of a signature */
function toProblem(error: unknown): SignatureProblem {
  if (error instanceof SignatureProblem) return error
  throw error
}

/** Returns the facts of a signature field, as far as it can be read. */
function factsOf(field: Field | undefined): Pick<DkimResult, 'domain' | 'selector' | 'algorithm' | 'signature'> {
  // A signature that can pass is read whole: DMARC relies on its domain.
  const text = field?.text.slice(0, MAX_FIELD_OCTETS) ?? ''
  const tags = parseTags(fieldValue({ text }))
  const tag = (name: string): string => withoutSpace(tags?.get(name) ?? '')
  const value = tag('b').slice(0, 8)
  return {
    domain: tag('d').toLowerCase(),
    selector: tag('s'),
    algorithm: tag('a'),
    ...(value ? { signature: value } : {}),
  }
}
