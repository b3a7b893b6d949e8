import { relaxedField } from './canonicalization.ts'
import type { Field } from './signed-fields.ts'

/** The fields of an ARC set, in the order in which a seal covers them. RFC 8617 sections 4.1 and 5.1.1. */
export const ARC_FIELDS: readonly string[] = ['arc-authentication-results', 'arc-message-signature', 'arc-seal']

/** The longest chain. RFC 8617 section 4.2.1. */
export const MAX_INSTANCE = 50

/** A field of an ARC set. */
export interface ArcField extends Field {
  /** The number of the set; 0 if the field does not say. */
  readonly instance: number
}

/** Returns the fields of all ARC sets of a message, in the order in which seals cover them. RFC 8617 section 5.1.1. */
export const arcFieldsOf = (fields: readonly Field[]): ArcField[] =>
  fields
    .filter(({ nameLower }) => ARC_FIELDS.includes(nameLower))
    .map((field) => ({ ...field, instance: instanceOf(field.text) }))
    .sort(
      (one, other) =>
        one.instance - other.instance || ARC_FIELDS.indexOf(one.nameLower) - ARC_FIELDS.indexOf(other.nameLower),
    )

/** Returns fields in canonical form with their line ends. */
export const coveredLines = (fields: readonly { readonly text: string }[]): string[] =>
  fields.map(({ text }) => `${relaxedField(text)}\r\n`)

function instanceOf(text: string): number {
  const [, digits = '0'] = /^[^:]*:(?:[^;]*;)*?[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*(\d{1,4})/.exec(text) ?? []
  return Number(digits)
}
