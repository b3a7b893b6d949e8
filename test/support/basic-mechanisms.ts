const scram = ['SCRAM-SHA-1', 'SCRAM-SHA-256', 'SCRAM-SHA-512']

/** Returns the SASL mechanisms that `basic` offers, in the order in which servers announce them. @param overTls whether TLS can be bound */
export const basicMechanisms = (overTls: boolean): string[] => [
  ...['PLAIN', 'LOGIN', 'CRAM-MD5', ...scram],
  ...(overTls ? ['XOAUTH2', 'OAUTHBEARER'] : []),
]
