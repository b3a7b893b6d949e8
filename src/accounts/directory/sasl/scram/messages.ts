import { decodeSaslName } from '../../names.ts'
import { saslprep } from '../../saslprep/saslprep.ts'

/** The client's first message: gs2-header, then client-first-message-bare. RFC 5802 section 7. */
export interface ClientFirst {
  readonly gs2Header: string
  /** Whether the client binds the log-on to the channel: `n` no, `y` it would if the server could, or the type of its binding. */
  readonly binding: 'n' | 'y' | { readonly type: string }
  readonly authzid: string
  readonly bare: string
  readonly name: string
  readonly nonce: string
  /** Whether the message has an extension that the server must know. */
  readonly needsExtension: boolean
}

/** The client's final message: channel binding, nonce and proof. RFC 5802 section 7. */
interface ClientFinal {
  readonly withoutProof: string
  /** The gs2-header and the data of the channel binding. */
  readonly bound: Buffer
  readonly nonce: string
  readonly proof: Buffer
}

const FIRST =
  /^((n|y|p=[A-Za-z0-9.-]+),(?:a=([^,\0]+))?,)((m=[^,\0]+,)?n=([^,\0]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,\0]+)*)$/u
const FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-oq-z]=[^,\0]+)*),p=([A-Za-z0-9+/=]+)$/u

/** Parses the first message. Returns undefined if it is malformed. */
export function parseClientFirst(message: string): ClientFirst | undefined {
  const match = FIRST.exec(message)
  if (!match) return undefined
  const [, gs2Header = '', flag = '', authzid = '', bare = '', extension, rawName = '', nonce = ''] = match
  const name = decodeName(rawName)
  const actAs = decodeName(authzid)
  if (!name || actAs === undefined) return undefined
  const binding = flag === 'n' || flag === 'y' ? flag : { type: flag.slice(2) }
  return { gs2Header, binding, authzid: actAs, bare, name, nonce, needsExtension: extension !== undefined }
}

/** Parses the final message. Returns undefined if it is malformed. */
export function parseClientFinal(message: string): ClientFinal | undefined {
  const match = FINAL.exec(message)
  if (!match) return undefined
  const [, withoutProof = '', bound = '', nonce = '', proof = ''] = match
  return { withoutProof, bound: Buffer.from(bound, 'base64'), nonce, proof: Buffer.from(proof, 'base64') }
}

/** Decodes and prepares a name. Returns undefined if it is not a valid one. RFC 5802 section 5.1. */
function decodeName(name: string): string | undefined {
  const decoded = decodeSaslName(name)
  return decoded === undefined ? undefined : saslprep(decoded)
}
