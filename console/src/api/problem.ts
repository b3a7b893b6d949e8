/** A mistake in the input. `pointer` is a JSON pointer (RFC 6901), or the name of a parameter. */
export interface InputMistake {
  readonly pointer: string
  readonly message: string
  /** Where it is in the file of the configuration: `config/lab.yaml:12:5`. */
  readonly place?: string
  /** The line of a script, from 1. */
  readonly line?: number
}

/** A refusal of the lab, as its problem document says it (RFC 9457), or a lab that cannot be reached. */
export class Problem extends Error {
  override readonly name = 'Problem'
  /** 0: no answer. */
  readonly status: number
  /** The end of the type, such as `not-found`. */
  readonly kind: string
  readonly title: string
  readonly errors: readonly InputMistake[]

  constructor(document: {
    readonly status: number
    readonly kind: string
    readonly title: string
    readonly detail: string
    readonly errors?: readonly InputMistake[]
  }) {
    super(document.detail)
    this.status = document.status
    this.kind = document.kind
    this.title = document.title
    this.errors = document.errors ?? []
  }
}

/** Returns the problem of an answer that is no success. */
export async function problemIn(response: Response): Promise<Problem> {
  const { status, statusText } = response
  try {
    const { type = '', title = statusText, detail = statusText, errors = [] } = await response.json()
    return new Problem({ status, kind: String(type).replace(/^.*#problem-/, ''), title, detail, errors })
  } catch {
    return new Problem({ status, kind: 'unknown', title: statusText, detail: `${status} ${statusText}` })
  }
}

/** Returns whatever was thrown as a problem. */
export const problemOf = (error: unknown): Problem =>
  error instanceof Problem
    ? error
    : new Problem({ status: 0, kind: 'unknown', title: 'Error', detail: (error as Error)?.message ?? String(error) })
