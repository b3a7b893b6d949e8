import type { Socket } from 'node:net'

/**
 * A request on the control socket. Messages are JSON lines: the client sends one request; the lab answers with any number
 * of items, then with `done` or an error, and closes the connection.
 */
export interface ControlRequest {
  readonly verb: string
  readonly args?: Readonly<Record<string, unknown>>
}

export type ControlAnswer = { readonly item: unknown } | { readonly done: true } | { readonly error: string }

/** Handles a verb. An iterable sends its items one by one (`--follow`); `signal` aborts when the client disconnects. */
type ControlVerb = (
  args: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
) => Promise<unknown> | AsyncIterable<unknown>

export type ControlVerbs = Readonly<Record<string, ControlVerb>>

/**
 * Handles a verb after whose answer (one item and `done`) the connection carries another protocol. Throws ControlError
 * before it answers.
 */
type ControlStream = (args: Readonly<Record<string, unknown>>) => {
  readonly item: unknown
  /** Serves the connection to its end. */
  serve(socket: Socket): void
}

export type ControlStreams = Readonly<Record<string, ControlStream>>

/** A failure on a control socket. The message states the reason. */
export class ControlError extends Error {
  override readonly name = 'ControlError'
}
