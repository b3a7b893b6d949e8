import { combineFlags, type Flag, flags, hasFlag } from './flags.ts'

/** MS-NLMP section 2.2.1. */
const SIGNATURE = Buffer.from('NTLMSSP\0', 'latin1')
const NEGOTIATE = 1
const CHALLENGE = 2
const AUTHENTICATE = 3

/** Returns the type of a message: 1, 2 or 3. Undefined if it is not a message of NTLM. */
export function ntlmMessageType(message: Buffer): number | undefined {
  return message.length >= 12 && message.subarray(0, 8).equals(SIGNATURE) ? message.readUInt32LE(8) : undefined
}

/**
 * Parses a NEGOTIATE_MESSAGE to its flags. Domain and workstation are not read: nothing protects them, and the
 * AUTHENTICATE_MESSAGE has them, too. Returns undefined if it is malformed. MS-NLMP section 2.2.1.1.
 */
export function parseNegotiate(message: Buffer): number | undefined {
  if (ntlmMessageType(message) !== NEGOTIATE || message.length < 16) return undefined
  const set = message.readUInt32LE(12)
  // Without a character set, a message is invalid. MS-NLMP section 2.2.2.5
  return hasFlag(set, 'unicode') || hasFlag(set, 'oem') ? set : undefined
}

/** The fields of a CHALLENGE_MESSAGE. MS-NLMP section 2.2.1.2. */
export interface Challenge {
  readonly flags: number
  /** 8 octets, used once. */
  readonly serverChallenge: Buffer
  readonly targetName: string
  /** Encoded attributes; empty for none. */
  readonly targetInfo: Buffer
}

const CHALLENGE_HEADER_OCTETS = 56

/** Windows Server 2003, on which Exchange 2003 ran: version 5.2, build 3790, NTLM revision 15. MS-NLMP section 2.2.2.10. */
const VERSION = Buffer.from('0502ce0e0000000f', 'hex')

/** Encodes a CHALLENGE_MESSAGE. MS-NLMP section 2.2.1.2. */
export function encodeChallenge({ flags: set, serverChallenge, targetName, targetInfo }: Challenge): Buffer {
  const name = encodeText(targetName, hasFlag(set, 'unicode'))
  const message = Buffer.alloc(CHALLENGE_HEADER_OCTETS)
  SIGNATURE.copy(message)
  message.writeUInt32LE(CHALLENGE, 8)
  writeField(message, 12, name, CHALLENGE_HEADER_OCTETS)
  message.writeUInt32LE(set, 20)
  serverChallenge.copy(message, 24)
  writeField(message, 40, targetInfo, CHALLENGE_HEADER_OCTETS + name.length)
  if (hasFlag(set, 'version')) VERSION.copy(message, 48)
  return Buffer.concat([message, name, targetInfo])
}

function writeField(message: Buffer, at: number, value: Buffer, offset: number): void {
  message.writeUInt16LE(value.length, at)
  message.writeUInt16LE(value.length, at + 2)
  message.writeUInt32LE(value.length === 0 ? 0 : offset, at + 4)
}

/** Flags that are set if the client asks for them. MS-NLMP section 3.2.5.1.1. */
const OFFERED: readonly Flag[] = [
  'requestTarget',
  'sign',
  'seal',
  'extendedSessionSecurity',
  'version',
  'key128',
  'keyExchange',
  'key56',
]

/** Returns the flags of the CHALLENGE_MESSAGE that answers a NEGOTIATE_MESSAGE. MS-NLMP section 3.2.5.1.1. */
export function answerFlags(asked: number): number {
  const always = combineFlags(['ntlm', 'alwaysSign', hasFlag(asked, 'unicode') ? 'unicode' : 'oem'])
  const lmKey = hasFlag(asked, 'extendedSessionSecurity') ? 0 : asked & flags.lmKey
  const target = hasFlag(asked, 'requestTarget') ? flags.targetTypeDomain : 0
  // As Windows Server 2003 does. MS-NLMP section 7, note 65
  const info = hasFlag(asked, 'extendedSessionSecurity') || hasFlag(asked, 'requestTarget') ? flags.targetInfo : 0
  return ((asked & combineFlags(OFFERED)) | always | lmKey | target | info) >>> 0
}

/** The fields of an AUTHENTICATE_MESSAGE. MS-NLMP section 2.2.1.3. */
export interface Authenticate {
  /** The flags of this message, or the challenge's if the client is so old that it sends none. */
  readonly flags: number
  readonly lmResponse: Buffer
  readonly ntResponse: Buffer
  readonly domain: string
  readonly user: string
  readonly workstation: string
  readonly encryptedSessionKey: Buffer
  /** The client's system, as `5.1.2600`. */
  readonly clientVersion: string | undefined
  /** Undefined if the message has no room for it. */
  readonly mic: Buffer | undefined
}

/** The header without session key and flags, as clients before Windows 2000 send it. */
const SHORT_HEADER_OCTETS = 52
const FLAGS_AT = 60
const VERSION_AT = 64
const MIC_AT = 72
const MIC_OCTETS = 16

/** Parses an AUTHENTICATE_MESSAGE. Returns undefined if it is malformed. MS-NLMP section 2.2.1.3. */
export function parseAuthenticate(message: Buffer, challengeFlags: number): Authenticate | undefined {
  if (ntlmMessageType(message) !== AUTHENTICATE || message.length < SHORT_HEADER_OCTETS) return undefined
  const fields = [12, 20, 28, 36, 44].map((at) => readField(message, at))
  const starts = fields.flatMap((field) => (field && field.octets.length > 0 ? [field.offset] : []))
  // Only the values, which begin behind the header, show its length.
  const headerEnd = Math.min(message.length, ...starts)
  const hasFlags = headerEnd >= FLAGS_AT + 4
  const set = hasFlags ? message.readUInt32LE(FLAGS_AT) : challengeFlags
  const sessionKey = hasFlags ? readField(message, SHORT_HEADER_OCTETS) : NO_FIELD
  const [lm, nt, domain, user, workstation] = fields
  if (!lm || !nt || !domain || !user || !workstation || !sessionKey) return undefined
  const isUnicode = hasFlag(set, 'unicode')
  const texts = [domain, user, workstation].map(({ octets }) => decodeText(octets, isUnicode))
  const [domainText, userText, workstationText] = texts
  if (domainText === undefined || userText === undefined || workstationText === undefined) return undefined
  return {
    flags: set,
    lmResponse: lm.octets,
    ntResponse: nt.octets,
    domain: domainText,
    user: userText,
    workstation: workstationText,
    encryptedSessionKey: sessionKey.octets,
    clientVersion: headerEnd >= MIC_AT && hasFlag(set, 'version') ? versionText(message) : undefined,
    mic: headerEnd >= MIC_AT + MIC_OCTETS ? message.subarray(MIC_AT, MIC_AT + MIC_OCTETS) : undefined,
  }
}

/** Returns a copy of an AUTHENTICATE_MESSAGE whose MIC is zero. MS-NLMP section 3.2.5.1.2. */
export function withoutMic(message: Buffer): Buffer {
  return Buffer.from(message).fill(0, MIC_AT, MIC_AT + MIC_OCTETS)
}

interface Field {
  readonly offset: number
  readonly octets: Buffer
}

const NO_FIELD: Field = { offset: 0, octets: Buffer.alloc(0) }

/** Reads a value that is described by its length and offset. Undefined if it is not behind the header and in the message. */
function readField(message: Buffer, at: number): Field | undefined {
  const length = message.readUInt16LE(at)
  if (length === 0) return NO_FIELD
  const offset = message.readUInt32LE(at + 4)
  if (offset < SHORT_HEADER_OCTETS || offset + length > message.length) return undefined
  return { offset, octets: message.subarray(offset, offset + length) }
}

const versionText = (message: Buffer): string =>
  `${message.readUInt8(VERSION_AT)}.${message.readUInt8(VERSION_AT + 1)}.${message.readUInt16LE(VERSION_AT + 2)}`

/** Encodes text: UTF-16LE, or the code page of the machine, of which only ASCII is certain. */
function encodeText(text: string, isUnicode: boolean): Buffer {
  return Buffer.from(text, isUnicode ? 'utf16le' : 'latin1')
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Decodes text. A code page is not named: clients of other systems send UTF-8. Undefined for half a UTF-16 unit. */
function decodeText(octets: Buffer, isUnicode: boolean): string | undefined {
  if (isUnicode) return octets.length % 2 === 0 ? octets.toString('utf16le') : undefined
  try {
    return utf8.decode(octets)
  } catch {
    return octets.toString('latin1')
  }
}
