/** A certificate that a port serves, and the issuer that comes with it. */
export interface ServedKey {
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly keyDigest: Buffer
  /** SHA-256 of the SubjectPublicKeyInfo of the issuer; undefined if the server does not send its certificate. */
  readonly issuerKeyDigest: Buffer | undefined
}

/** A virtual server, as its records describe it. */
export interface ServerFacts {
  readonly protocol: 'smtp' | 'pop3' | 'imap4' | 'nntp' | 'lmtp' | 'managesieve' | 'http'
  /** The port for clear text and STARTTLS, or for HTTP. */
  readonly port: number | undefined
  readonly tlsPort: number | undefined
  /** Whether it offers JMAP. */
  readonly hasJmap: boolean
  /** Empty: TLS is not possible. */
  readonly keys: readonly ServedKey[]
}

/** The facts from which records are generated. Names are normal. */
export interface DnsFacts {
  /** The name of the lab's host, and its further names. */
  readonly hosts: readonly [string, ...string[]]
  readonly addresses: readonly string[]
  /** The domains of mail addresses. */
  readonly domains: readonly string[]
  /** The address of the DNS server. */
  readonly serverAddress: string
  readonly servers: readonly ServerFacts[]
  readonly hasAuthority: boolean
  /** Further TXT records. */
  readonly texts: readonly { readonly name: string; readonly text: string }[]
  readonly ttlSeconds: number
}
