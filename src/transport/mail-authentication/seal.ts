import type { KeyObject } from 'node:crypto'
import type { ArcResult } from '../../mail/format/authentication-results.ts'
import { arcFieldsOf, coveredLines, MAX_INSTANCE } from './arc-sets.ts'
import { BodyHasher, hashBody, relaxedField } from './canonicalization.ts'
import { type Field, fieldsToSign, fieldValue } from './signed-fields.ts'
import type { SplitMessage } from './split-message.ts'
import { parseTags } from './tag-list.ts'
import { algorithmOf, foldedNames, signedField } from './write-field.ts'

/** The contents of a seal, and its sealer. */
export interface Sealing {
  readonly domain: string
  readonly selector: string
  readonly key: KeyObject
  /** The name of the server, and the results as in Authentication-Results. */
  readonly results: string
  /** The result of the chain so far. */
  readonly chain: ArcResult
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Returns the fields of the next ARC set, in the order in which they stand before the message; undefined if none may follow. RFC 8617 section 5.1. */
export async function sealFields(
  { fields, body }: SplitMessage,
  { domain, selector, key, results, chain, at }: Sealing,
): Promise<string | undefined> {
  const sets = arcFieldsOf(fields)
  const instance = (sets.at(-1)?.instance ?? 0) + 1
  const isBroken = sets.some((field) => field.nameLower === 'arc-seal' && statusOf(field) === 'fail')
  // Nothing follows a chain that has failed. RFC 8617 section 5.1.2
  if (instance > MAX_INSTANCE || isBroken) return undefined
  const seconds = Math.floor(at / 1000)
  const hashes = await hashBody(body(), new Map([['body', new BodyHasher('relaxed')]]))
  const { names, signed } = fieldsToSign(fields)
  // The signatures of the author's domain explain what has been changed since. RFC 8617 section 4.1.2
  const signatures = fields.filter(({ nameLower }) => nameLower === 'dkim-signature').reverse()
  const algorithm = algorithmOf(key)
  const authenticationResults = `ARC-Authentication-Results: i=${instance}; ${results}\r\n`
  const messageSignature = signedField(
    `ARC-Message-Signature: i=${instance}; a=${algorithm}; c=relaxed/relaxed; d=${domain}; s=${selector};` +
      ` t=${seconds};\r\n\th=${foldedNames([...names, ...signatures.map(() => 'DKIM-Signature')])};` +
      `\r\n\tbh=${hashes.get('body')?.base64};\r\n\tb=`,
    coveredLines([...signed, ...signatures]),
    relaxedField,
    key,
  )
  const status = instance === 1 ? 'none' : chain.result === 'pass' ? 'pass' : 'fail'
  const own = [{ text: authenticationResults }, { text: messageSignature }]
  const seal = signedField(
    `ARC-Seal: i=${instance}; a=${algorithm}; t=${seconds}; cv=${status};\r\n\td=${domain}; s=${selector};\r\n\tb=`,
    // A failed chain is not covered. RFC 8617 section 5.1.2
    coveredLines([...(status === 'fail' ? [] : sets), ...own]),
    relaxedField,
    key,
  )
  return `${seal}${messageSignature}${authenticationResults}`
}

const statusOf = (field: Field): string | undefined => parseTags(fieldValue(field))?.get('cv')?.toLowerCase()
