/** A call of an operation and its answer, as the OpenAPI document shows them. */
export interface Example {
  /** Parameters of the path and of the query, or the JSON body. */
  readonly input?: Readonly<Record<string, unknown>>
  /** The content that an operation with `upload` takes. */
  readonly upload?: { readonly type: string; readonly content: string }
  /** The JSON or the text of the answer. Absent: 204. */
  readonly answer?: unknown
  /** The media type of the answer, if the operation has several. */
  readonly answerType?: string
}

/** By the names of the operations. */
export type Examples = Readonly<Record<string, Example>>

/**
 * Loads an example of every operation. `npm run api:examples` records them: it calls each operation of a lab
 * (test/servers/http/operation-cases.ts has the requests) and writes the answers into examples.json.
 */
export async function loadExamples(): Promise<Examples> {
  const { default: examples } = await import('./examples.json', { with: { type: 'json' } })
  return examples
}
