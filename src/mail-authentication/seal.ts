import type { KeyObject } from 'node:crypto'
import type { ArcResult } from '../mail/authentication-results.ts'
import { BodyHasher, hashBody, relaxedField } from './canonicalization.ts'
import { ARC_FIELDS, instanceOf } from './check-arc.ts'
import { type Field, fieldsToSign, valueOf } from './signed-fields.ts'
import type { SplitMessage } from './split-message.ts'
import { parseTags } from './tag-list.ts'
import { algorithmOf, foldedNames, signedField } from './write-field.ts'

/** The longest chain. RFC 8617 section 4.2.1. */
const MAX_INSTANCE = 50

/** What a seal says, and who makes it. */
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
  const sets = fields
    .filter(({ nameLower }) => ARC_FIELDS.includes(nameLower))
    .map((field) => ({ field, instance: instanceOf(field.text) }))
  const instance = Math.max(0, ...sets.map((one) => one.instance)) + 1
  const isBroken = sets.some(({ field }) => field.nameLower === 'arc-seal' && statusOf(field) === 'fail')
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
    [...signed, ...signatures].map(({ text }) => `${relaxedField(text)}\r\n`),
    relaxedField,
    key,
  )
  const status = instance === 1 ? 'none' : chain.result === 'pass' ? 'pass' : 'fail'
  const own = [authenticationResults, messageSignature].map((field) => `${relaxedField(field)}\r\n`)
  const seal = signedField(
    `ARC-Seal: i=${instance}; a=${algorithm}; t=${seconds}; cv=${status};\r\n\td=${domain}; s=${selector};\r\n\tb=`,
    // A failed chain is not covered. RFC 8617 section 5.1.2
    [...(status === 'fail' ? [] : chainTexts(sets)), ...own],
    relaxedField,
    key,
  )
  return `${seal}${messageSignature}${authenticationResults}`
}

/** The order in which a seal covers the fields of a set. RFC 8617 section 5.1.1. */
const ORDER = ['arc-authentication-results', 'arc-message-signature', 'arc-seal']

const chainTexts = (sets: readonly { readonly field: Field; readonly instance: number }[]): string[] =>
  sets
    .toSorted(
      (one, other) =>
        one.instance - other.instance || ORDER.indexOf(one.field.nameLower) - ORDER.indexOf(other.field.nameLower),
    )
    .map(({ field }) => `${relaxedField(field.text)}\r\n`)

const statusOf = (field: Field): string | undefined => parseTags(valueOf(field))?.get('cv')?.toLowerCase()
