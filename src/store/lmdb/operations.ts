export interface OperationTraits {
  /** No other operation shares its transaction, so it sees all effects. */
  readonly alone?: boolean
  /** About what it writes. */
  readonly octets?: number
}

/** What one transaction of LMDB is made of, for the operations that share it. */
export interface Draft<Effect> {
  /** Grows with every write. */
  readonly writes: number
  /** What is to be seen once the writes are on disk; empties the list. */
  takeEffects(): readonly Effect[]
  /** Writes what was gathered over the operations. */
  finish(): void
}

export interface CommitSteps<Effect, D extends Draft<Effect>> {
  /** A draft for the next transaction. */
  readonly draft: () => D
  /** A transaction is on disk; its effects follow. */
  readonly durable: () => void
  readonly apply: (effect: Effect) => void
  /** Nobody knows which writes are there, as after a flush that failed: what is in memory is to be read anew. */
  readonly lost: () => void
}

export interface Operation<D> {
  readonly work: (draft: D) => unknown
  readonly alone: boolean
  readonly octets: number
  /** It failed once for want of room. */
  readonly again?: boolean
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

export type Outcome<Effect> =
  | { readonly value: unknown; readonly effects: readonly Effect[] }
  | { readonly value?: never; readonly error: unknown }
