import type { z } from 'zod'
import type { operationTable } from './operations.ts'

type Row = (typeof operationTable)[number]
type Rows = { readonly [R in Row as R['name']]: R }

/** The names of all operations. */
export type OperationName = keyof Rows

/** Parameters that are converted, such as numbers in a query, have the type that they are converted to. */
type Converted<Given, To> = [Given[keyof Given]] extends [never]
  ? unknown
  : { [Key in keyof Given]: unknown extends Given[Key] ? To[Key & keyof To] | undefined : Given[Key] }

/** Callers may pass values that they must not change. */
type DeepReadonly<T> = T extends object ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> } : T

interface PageInput {
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

interface PageFields {
  readonly next: string | null
  readonly total: number
}

/** The parameters of an operation, as its schema describes them. */
export type InputOf<Name extends OperationName> = DeepReadonly<
  Converted<z.input<Rows[Name]['input']>, z.output<Rows[Name]['input']>>
> &
  (Rows[Name]['listKey'] extends string ? PageInput : unknown)

type Answer<Output, ListKey> = Output extends z.ZodType
  ? z.output<Output> & (ListKey extends string ? PageFields : unknown)
  : Output extends string
    ? Buffer
    : null

/** The answer of an operation, as its schema describes it. Content that is not JSON is a Buffer. */
export type OutputOf<Name extends OperationName> = Answer<Rows[Name]['output'], Rows[Name]['listKey']>

/** One item of the list that an operation answers. */
export type ItemOf<Name extends OperationName> =
  OutputOf<Name> extends { readonly items: readonly (infer Item)[] } ? Item : never
