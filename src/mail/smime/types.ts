/** The lab's findings about the signatures and the encryption of a message. Times are RFC 3339. RFC 8551, RFC 8550. */
export interface SmimeFacts {
  /** `valid`: every signature is valid. */
  readonly signature: 'valid' | 'invalid' | 'none'
  /** `opened`: the lab holds a key for each encrypted layer. */
  readonly encryption: 'opened' | 'closed' | 'none'
  /** Why a signature is invalid, or why an encrypted layer stays closed, in plain words. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
  /** From the outermost one inward. */
  readonly layers: readonly SmimeLayer[]
}

export type SmimeLayer = SignedLayer | EncryptedLayer | CompressedLayer

/** RFC 8551 section 3.5. */
export interface SignedLayer {
  readonly kind: 'signed'
  /** `detached`: multipart/signed, which every mail program can read. `opaque`: application/pkcs7-mime. */
  readonly form: 'detached' | 'opaque'
  readonly signers: readonly SignerFacts[]
  /** The problems of the layer as a whole. */
  readonly problems: readonly string[]
}

/** One signature. */
export interface SignerFacts {
  readonly valid: boolean
  /** The certificate's subject; null if there is no certificate. */
  readonly name: string | null
  /** Mail addresses in the certificate. */
  readonly addresses: readonly string[]
  readonly issuer: string
  readonly serial: string
  readonly thumbprint: string | null
  readonly notBefore: string | null
  readonly notAfter: string | null
  /** The time that the signer claims. RFC 5652 section 11.3. */
  readonly signedAt: string | null
  /** `RSA`, `RSA-PSS`, `ECDSA`, `Ed25519` … */
  readonly algorithm: string
  /** `SHA-256` … */
  readonly hash: string
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

/** RFC 8551 section 3.3 and 3.4. */
export interface EncryptedLayer {
  readonly kind: 'encrypted'
  readonly opened: boolean
  /** Whether a change of the content is noticed (AES-GCM). */
  readonly authenticated: boolean
  /** `AES-256-CBC` … */
  readonly cipher: string
  readonly recipients: readonly SmimeRecipient[]
  /** Friendly name of the certificate whose key opened it. */
  readonly openedWith: string | null
  /** Why it stays closed. */
  readonly problem: string | null
}

/** Someone who can open an encrypted layer. */
export interface SmimeRecipient {
  /** `RSA`, `RSA-OAEP`, `ECDH` … */
  readonly method: string
  /** The issuer of the certificate; null if it is named by its key identifier. */
  readonly issuer: string | null
  readonly serial: string | null
  readonly keyIdentifier: string | null
  /** Friendly name of the certificate in the store. */
  readonly certificate: string | null
}

/** RFC 8551 section 3.6. */
export interface CompressedLayer {
  readonly kind: 'compressed'
  readonly problem: string | null
}
