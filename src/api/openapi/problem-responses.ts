import type { Operation } from '../operation.ts'
import { PROBLEM_BASE, type ProblemName, problems } from '../problem.ts'
import { takesBody } from './parameters.ts'

type Json = Record<string, unknown>

/** The problems of any request. */
const OF_ALL: readonly ProblemName[] = [
  'bad-request',
  'log-on-required',
  'secure-channel-required',
  'forbidden',
  'foreign-origin',
  'unknown-host',
  'store-failed',
  'out-of-memory',
  'stopping',
]

/** The problems of a request with a body. */
const OF_BODIES: readonly ProblemName[] = ['too-large', 'unsupported-type', 'invalid']

/** The problems of a request that is answered with content. */
const OF_CONTENT: readonly ProblemName[] = ['not-acceptable']

/** The problems of a request for one resource. */
const OF_ONE: readonly ProblemName[] = ['not-found']

/** The problems of a request for a page of a list. */
const OF_PAGES: readonly ProblemName[] = ['gone']

/** Returns the statuses of the problems that an operation can answer. */
function problemStatuses(operation: Operation): Set<number> {
  const names = [
    ...OF_ALL,
    ...(operation.output === undefined ? [] : OF_CONTENT),
    ...(takesBody(operation) ? OF_BODIES : []),
    ...(operation.path.includes('{') ? OF_ONE : []),
    ...('cursor' in operation.input.shape ? OF_PAGES : []),
    ...(operation.problems ?? []),
  ]
  return new Set(names.map((name) => problems[name].status))
}

/** Returns the problem responses of an operation. `default` is for what only the connection can cause, and for defects. */
export function problemResponses(operation: Operation): Json {
  const references = [...problemStatuses(operation)].map((status) => [
    status,
    { $ref: `#/components/responses/Problem${status}` },
  ])
  return { ...Object.fromEntries(references), default: { $ref: '#/components/responses/Problem' } }
}

const content = (example: Json): Json => ({
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' }, example },
})

const exampleOf = (name: ProblemName, detail: string): Json => ({
  type: `${PROBLEM_BASE}${name}`,
  title: problems[name].title,
  status: problems[name].status,
  detail,
})

/** The text of the most common problem of a status. */
const details: Readonly<Record<number, string>> = {
  400: 'limt: is unknown; did you mean limit?',
  401: 'send a token (Authorization: Bearer TOKEN), or the name and password of an account',
  403: 'an administrator may do this, not a reader; use a token with the role administrator, or an account of `access.administrators`',
  404: 'there is no message 3.9; it was deleted or moved, or it belongs to someone else',
  406: 'the answer is application/json; the field Accept excludes it: text/html',
  409: 'there is a tenant ci42 already; choose another name',
  410: 'cursor: the lab has forgotten smtp-7, after which this page begins; begin again without cursor',
  412: 'the configuration has changed since you read it; read it again (GET /api/v1/configuration), and repeat the change',
  415: 'send message/rfc822 or application/octet-stream, not text/plain',
  422: '/to: is missing',
}

/** Returns the responses that operations refer to: one for each status, and one for all others. */
export function problemComponents(operations: readonly Operation[]): Json {
  const used = new Set(operations.flatMap((one) => [...problemStatuses(one)]))
  const byStatus = new Map<number, ProblemName[]>()
  for (const [name, { status }] of Object.entries(problems) as [ProblemName, { status: number }][]) {
    if (used.has(status)) byStatus.set(status, [...(byStatus.get(status) ?? []), name])
  }
  const responses = [...byStatus].map(([status, names]) => {
    const [first] = names as [ProblemName]
    const meanings = names.map((name) => `\`${name}\`: ${problems[name].title}.`)
    const example = exampleOf(first, details[status] ?? problems[first].title)
    return [`Problem${status}`, { description: meanings.join(' '), content: content(example) }]
  })
  const other = exampleOf('internal', 'the lab failed to answer this request; its log says why')
  return {
    ...Object.fromEntries(responses),
    Problem: { description: 'The request was not answered as wished (RFC 9457).', content: content(other) },
  }
}

export const problemSchema: Json = {
  type: 'object',
  description: 'Why a request was not answered as wished. RFC 9457.',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string', description: `Ends with one of: ${Object.keys(problems).join(', ')}.` },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'Why, and what to do.' },
    report: {
      type: 'string',
      description: 'After a wait, or if mail was sent: the detail, and a line for each message and session below.',
    },
    arrived: {
      type: 'array',
      description:
        'The messages that did arrive, at most 20. After a wait the newest first, otherwise the oldest first.',
      items: { $ref: '#/components/schemas/MessageSummary' },
    },
    sessions: {
      type: 'array',
      description: 'After a wait: the sessions that were refused, or that have not ended.',
      items: { $ref: '#/components/schemas/Session' },
    },
    attempts: {
      type: 'array',
      description: 'If mail was sent: the sessions that began mail which is in no mailbox.',
      items: { type: 'string' },
    },
    hints: { type: 'array', description: 'After a wait: what to look at.', items: { type: 'string' } },
    errors: {
      type: 'array',
      description: 'The mistakes in the input.',
      items: {
        type: 'object',
        required: ['pointer', 'message'],
        properties: {
          pointer: { type: 'string', description: 'A JSON pointer (RFC 6901), or the name of a parameter.' },
          message: { type: 'string' },
          place: { type: 'string', description: 'Of a mistake in a configuration: FILE:LINE:COLUMN.' },
          line: { type: 'integer', description: 'Of a mistake in a script: its line, from 1.' },
          column: { type: 'integer', description: 'Of a mistake in a script: its column, from 1.' },
        },
      },
    },
  },
}
