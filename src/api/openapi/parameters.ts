import type { Operation } from '../operation.ts'

/** Returns the names of the parameters in a path such as `/messages/{id}`. */
export const pathParameters = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, one = '']) => one)

/** Returns whether the parameters that are not in the path are in the query; otherwise they are in the JSON body. */
export const usesQuery = ({ method, upload }: Operation): boolean =>
  method === 'GET' || method === 'DELETE' || upload !== undefined

/** Returns the media types that an operation can answer; none without content. */
export const outputTypes = ({ output, otherOutputs = [] }: Operation): readonly string[] =>
  output === undefined ? [] : [typeof output === 'string' ? output : 'application/json', ...otherOutputs]

/** Returns whether requests have a body: content, or the JSON of the parameters that are not in the path. */
export const takesBody = (operation: Operation): boolean => operation.upload !== undefined || !usesQuery(operation)
