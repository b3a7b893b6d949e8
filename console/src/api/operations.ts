import type { components, operations } from './openapi.generated.ts'
import { routes } from './routes.generated.ts'

/** The method and the path of each operation, relative to the base of the console. */
export { routes }

export type OperationName = keyof typeof routes & keyof operations

/** The types that the OpenAPI document names, such as `MessageSummary`. */
export type Schemas = components['schemas']

/** Lets an optional parameter be undefined. It is then left out. */
type Loose<T> = { [Key in keyof T]: undefined extends T[Key] ? T[Key] | undefined : T[Key] }

/** Nothing to give is `never` in the document. */
type Given<Found> = [NonNullable<Found>] extends [never] ? unknown : NonNullable<Found>

type Parameters<Name extends OperationName, Place extends 'path' | 'query'> = operations[Name]['parameters'] extends {
  [Key in Place]?: infer Found
}
  ? Given<Found>
  : unknown

type Body<Name extends OperationName> =
  Given<operations[Name]['requestBody']> extends { content: { 'application/json': infer Found } } ? Found : unknown

/** All parameters of an operation: in the path, in the query and in the JSON body. */
export type InputOf<Name extends OperationName> = Loose<
  Parameters<Name, 'path'> & Parameters<Name, 'query'> & Body<Name>
>

type Content<Response> = Response extends { content: infer Found } ? Found : never
type Success<Name extends OperationName> = Content<
  operations[Name]['responses'][keyof operations[Name]['responses'] & (200 | 201 | 202)]
>

/** The answer of an operation: JSON, a text, a Blob for other content, or undefined. */
export type OutputOf<Name extends OperationName> = [Success<Name>] extends [never]
  ? undefined
  : Success<Name> extends { 'application/json': infer Found }
    ? Found
    : keyof Success<Name> extends `text/${string}`
      ? string
      : Blob
