import { saslprep } from './saslprep.ts'

/** The client's first message. RFC 5802 section 7: gs2-header, then client-first-message-bare. */
export interface ClientFirst {
  readonly gs2Header: string
  readonly authzid: string
  readonly bare: string
  readonly name: string
  readonly nonce: string
}

/** The client's final message: channel binding, nonce, proof. */
export interface ClientFinal {
  readonly withoutProof: string
  readonly channelBinding: string
  readonly nonce: string
  readonly proof: Buffer
}

const FIRST = /^((?:n|y),(?:a=([^,]+))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,.*)?)$/su
const FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[^p][^,]*)*),p=([A-Za-z0-9+/=]+)$/su

/** Undefined: malformed, or a binding to the TLS channel (`p=`), which is not offered here. */
export function parseClientFirst(message: string): ClientFirst | undefined {
  const match = FIRST.exec(message)
  if (!match) return undefined
  const [, gs2Header = '', authzid = '', bare = '', rawName = '', nonce = ''] = match
  const name = decodeName(rawName)
  const actAs = decodeName(authzid)
  if (name === undefined || actAs === undefined) return undefined
  return { gs2Header, authzid: actAs, bare, name, nonce }
}

export function parseClientFinal(message: string): ClientFinal | undefined {
  const match = FINAL.exec(message)
  if (!match) return undefined
  const [, withoutProof = '', channelBinding = '', nonce = '', proof = ''] = match
  return { withoutProof, channelBinding, nonce, proof: Buffer.from(proof, 'base64') }
}

/** `=2C` and `=3D` stand for comma and equals sign; any other equals sign is a mistake. RFC 5802 section 5.1. */
function decodeName(name: string): string | undefined {
  if (/=(?!2C|3D)/.test(name)) return undefined
  return saslprep(name.replaceAll('=2C', ',').replaceAll('=3D', '='))
}
