export type StoreErrorCode = 'exists' | 'not-found' | 'no-space' | 'read-only' | 'in-use' | 'closed'

/** The one error of every message store; each protocol turns the code into its own reply. */
export class StoreError extends Error {
  override readonly name = 'StoreError'
  readonly code: StoreErrorCode
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
