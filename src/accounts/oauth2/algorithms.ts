/** The algorithms with which the lab signs. RFC 9068 section 2.1 demands RS256. */
export const signingAlgorithms = ['RS256', 'ES256'] as const
export type SigningAlgorithm = (typeof signingAlgorithms)[number]
