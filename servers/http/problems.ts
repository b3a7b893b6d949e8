import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ApiProblem } from '../../src/api/problem.ts'

/** The parts of an answer with a problem document. RFC 9457. */
interface ProblemText {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Returns the answer to a request that was not answered as wished. */
export const problemText = (problem: ApiProblem): ProblemText => ({
  status: problem.status,
  headers: {
    'Content-Type': 'application/problem+json',
    'X-Content-Type-Options': 'nosniff',
    'Cache-Control': 'no-store',
    ...problem.headers,
  },
  body: JSON.stringify(problem.document),
})

/** @param more header fields that replace those of the problem */
export function problemResponse(
  c: Context,
  problem: ApiProblem,
  more: Readonly<Record<string, string>> = {},
): Response {
  const { status, headers, body } = problemText(problem)
  return c.body(body, status as ContentfulStatusCode, { ...headers, ...more })
}
