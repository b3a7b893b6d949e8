/** CRLReason. RFC 5280 section 5.3.1. */
export const revocationReasons = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const
export type RevocationReason = keyof typeof revocationReasons

/** A reason by its name in any case. */
export const reasonNamed = (text: string): RevocationReason | undefined =>
  (Object.keys(revocationReasons) as RevocationReason[]).find((name) => name.toLowerCase() === text.toLowerCase())
