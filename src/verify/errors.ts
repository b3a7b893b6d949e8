/** Something that a server did, or did not do, in plain words. */
export class VerifyError extends Error {
  override readonly name = 'VerifyError'
}

/** A check that cannot be made here, and why. */
export class NotTested extends Error {
  override readonly name = 'NotTested'
}
