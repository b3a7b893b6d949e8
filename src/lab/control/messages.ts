/**
 * The control socket's language: JSON lines. The client says one request; the lab answers any number of items, then either
 * that it is done or why it failed, and closes.
 */
export interface ControlRequest {
  readonly verb: string
  readonly args?: Readonly<Record<string, unknown>>
}

export type ControlAnswer = { readonly item: unknown } | { readonly done: true } | { readonly error: string }

/** What a verb does. An iterable gives its items one by one (`--follow`) until the client hangs up: then `signal` aborts. */
type ControlVerb = (
  args: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<unknown> | AsyncIterable<unknown>

export type ControlVerbs = Readonly<Record<string, ControlVerb>>

/** Something about a control socket that does not work out; the message says what. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
}
