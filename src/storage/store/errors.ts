import type { Owner } from './folder.ts'

/**
 * `failed`: the disk reported an error, and nothing was changed. `unknown`: the connection to the store was lost during a
 * commit, and the change may have been made. `lock-lost`: somebody else may have the folder's lock by now, and nothing was
 * changed.
 */
export type StoreErrorCode =
  | 'exists'
  | 'not-found'
  | 'no-space'
  | 'over-quota'
  | 'read-only'
  | 'failed'
  | 'unknown'
  | 'in-use'
  | 'lock-lost'
  | 'closed'

/** The error of every message store. Each protocol maps the code to its own reply. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** The error of a change after which the folders of an owner would hold more than they may. */
export class OverQuota extends StoreError {
  readonly owner: Owner
  constructor(owner: Owner) {
    super('over-quota', 'The quota would be exceeded.')
    this.owner = owner
  }
}

/** How much room a change lacks. */
export interface Shortage {
  readonly octets: number
  readonly messages: number
}

/** The error of a change that would fit if messages were deleted. */
export class StoreFull extends StoreError {
  /** Undefined if it is not known, on a full disk. */
  readonly shortage: Shortage | undefined
  constructor(message: string, shortage?: Shortage, options?: ErrorOptions) {
    super('no-space', message, options)
    this.shortage = shortage
  }
}
