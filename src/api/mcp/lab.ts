import type { Caller } from '../caller.ts'
import type { InputOf, OperationName, OutputOf } from '../operation-types.ts'

/** A problem document. RFC 9457. */
export interface ProblemDocument {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly errors?: unknown
  readonly [member: string]: unknown
}

/** The lab has refused a call. */
export class LabRefusal extends Error {
  override readonly name = 'Refusal'
  readonly document: ProblemDocument

  constructor(document: ProblemDocument) {
    super(document.detail)
    this.document = document
  }
}

/** A lab as the tools use it, in this process or elsewhere, with the rights of one caller. */
export interface McpLab {
  readonly caller: Pick<Caller, 'role' | 'tenant'>
  /**
   * Runs an operation of the API. Content that is not JSON is returned as a Buffer.
   * @throws Refusal if the lab refuses it
   */
  call(operation: string, input: unknown, signal: AbortSignal): Promise<unknown>
  /** Counts the memory of an answer until it is sent. @throws MemoryLimitReached */
  hold?(octets: number): void
}

/** Runs an operation whose types the compiler knows. @throws Refusal */
export const callOperation = <Name extends OperationName>(
  lab: Pick<McpLab, 'call'>,
  operation: Name,
  input: InputOf<Name>,
  signal: AbortSignal,
) => lab.call(operation, input, signal) as Promise<OutputOf<Name>>
