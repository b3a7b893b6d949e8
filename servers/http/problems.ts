import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ApiProblem } from '../../src/api/problem.ts'

/** Answers with a problem document. RFC 9457. */
export function problemResponse(c: Context, problem: ApiProblem): Response {
  return c.body(JSON.stringify(problem.document), problem.status as ContentfulStatusCode, {
    'Content-Type': 'application/problem+json',
    ...problem.headers,
  })
}
