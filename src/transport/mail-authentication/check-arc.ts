import type { ArcResult } from '../../mail/format/authentication-results.ts'
import { ARC_FIELDS, type ArcField, arcFieldsOf, coveredLines, MAX_INSTANCE } from './arc-sets.ts'
import { asciiDomain } from './author.ts'
import { relaxedField } from './canonicalization.ts'
import { checkSignatures, type SignatureLimits } from './check-signatures.ts'
import { publicKeyOf, SignatureProblem } from './key-record.ts'
import type { NameLookup } from './names.ts'
import { checkKeyBits, isAlgorithm, isSigned, withoutSignature } from './signature.ts'
import { fieldValue } from './signed-fields.ts'
import type { SplitMessage } from './split-message.ts'
import { listOf, parseTags, withoutSpace } from './tag-list.ts'

/** Longest field of an ARC set that is read. */
const MAX_FIELD_OCTETS = 16 * 1024

/** Checks the chain of seals of a message. RFC 8617 section 5.2. */
export async function checkArc(message: SplitMessage, lookUp: NameLookup, limits: SignatureLimits): Promise<ArcResult> {
  const fields = arcFieldsOf(message.fields)
  if (fields.length === 0) return { result: 'none' }
  if (fields.some(({ text }) => text.length > MAX_FIELD_OCTETS))
    return { result: 'fail', reason: 'a field is too long' }
  const sets = fields.filter((field) => field.instance > 0)
  const instance = sets.at(-1)?.instance ?? 0
  if (instance === 0) return { result: 'fail', reason: 'no field has an instance' }
  const seal = sets.find((field) => field.nameLower === 'arc-seal' && field.instance === instance)
  const facts = { instance, ...(seal ? { domain: tagOf(seal, 'd').toLowerCase() } : {}) }
  const reason = structureProblem(sets, instance) ?? (await signatureProblem(message, sets, instance, lookUp, limits))
  return reason === undefined ? { result: 'pass', ...facts } : { result: 'fail', reason, ...facts }
}

const tagOf = (field: ArcField, name: string): string => withoutSpace(parseTags(fieldValue(field))?.get(name) ?? '')

/** Returns why the sets are not a chain. RFC 8617 section 5.2, steps 1 to 3. */
function structureProblem(sets: readonly ArcField[], instance: number): string | undefined {
  if (instance > MAX_INSTANCE) return `more than ${MAX_INSTANCE} seals`
  for (let at = 1; at <= instance; at++) {
    const names = sets.filter((field) => field.instance === at).map(({ nameLower }) => nameLower)
    const missing = ARC_FIELDS.find((name) => !names.includes(name))
    if (missing !== undefined) return `i=${at} no ${missing}`
    if (names.length > ARC_FIELDS.length) return `i=${at} has a field twice`
  }
  for (const field of sets.filter(({ nameLower }) => nameLower === 'arc-seal')) {
    const status = tagOf(field, 'cv').toLowerCase()
    if (status !== (field.instance === 1 ? 'none' : 'pass')) return `i=${field.instance} cv=${status}`
  }
  return undefined
}

/** Returns why a signature of the chain is not valid. RFC 8617 section 5.2, steps 4 to 6. */
async function signatureProblem(
  message: SplitMessage,
  sets: readonly ArcField[],
  instance: number,
  lookUp: NameLookup,
  limits: SignatureLimits,
): Promise<string | undefined> {
  const latest = sets.find((field) => field.nameLower === 'arc-message-signature' && field.instance === instance)
  // RFC 8617 section 4.1.2
  if (latest && listOf(tagOf(latest, 'h').toLowerCase()).includes('arc-seal'))
    return 'the message signature covers a seal'
  const wanted = message.fields.filter(({ text }) => text === latest?.text).slice(0, 1)
  const [signature] = await checkSignatures(
    message,
    wanted.map((field) => ({ kind: 'ARC-Message-Signature', field })),
    lookUp,
    limits,
  )
  if (signature?.result !== 'pass') return signature?.reason ?? `i=${instance} no valid signature`
  try {
    for (let at = instance; at > 0; at--) {
      if (
        !(await isSealed(
          sets.filter((field) => field.instance <= at),
          lookUp,
          limits,
        ))
      )
        return `i=${at} the seal does not match`
    }
  } catch (error) {
    if (error instanceof SignatureProblem) return error.message
    throw error
  }
  return undefined
}

/** Returns whether the last of the fields seals them. RFC 8617 section 5.1.1. @throws SignatureProblem */
async function isSealed(fields: readonly ArcField[], lookUp: NameLookup, { minimumKeyBits }: SignatureLimits) {
  const seal = fields.at(-1)
  if (!seal) return false
  const algorithm = tagOf(seal, 'a').toLowerCase()
  // RFC 8617 section 4.1.3
  if (!isAlgorithm(algorithm) || tagOf(seal, 'h') !== '') return false
  const domain = asciiDomain(tagOf(seal, 'd'))
  const key = await publicKeyOf({ domain, selector: tagOf(seal, 's'), algorithm }, lookUp)
  checkKeyBits(key, minimumKeyBits)
  const covered = [...coveredLines(fields.slice(0, -1)), relaxedField(withoutSignature(seal.text))]
  return isSigned(algorithm, key.key, covered.join(''), tagOf(seal, 'b'))
}
