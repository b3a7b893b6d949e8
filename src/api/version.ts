import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ApiProblem } from './problem.ts'

/** Returns the version of something, which differs after each change of its text: the beginning of its entity tag. */
export const versionOf = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 22)

/** The parameter of a change that is made only if nobody else has changed the same meanwhile. @param what `the fault` */
export const ifMatchOf = (what: string) =>
  z
    .string()
    .optional()
    .describe(
      `\`etag\` of ${what} that the caller has read. If it has changed since, the change is refused. HTTP clients can send the field If-Match with the ETag instead.`,
    )

/**
 * Compares the tags that a caller names with the version of what it changes. The part of an ETag after the dot tells of the
 * rest of an answer, such as counts. RFC 9110 section 13.1.1.
 * @param what `the configuration`, and how to read it again
 * @throws ApiProblem `precondition-failed`
 */
export function assertVersion(
  ifMatch: string | undefined,
  version: string,
  { what, path }: { readonly what: string; readonly path: string },
): void {
  if (ifMatch === undefined) return
  const wanted = ifMatch.split(',').map((tag) => tag.trim().replace(/^"(.*)"$/, '$1'))
  if (wanted.some((tag) => tag === '*' || tag.split('.')[0] === version)) return
  throw new ApiProblem(
    'precondition-failed',
    `${what} has changed since you read it; read it again (GET /api/v1${path}), and repeat the change`,
  )
}
