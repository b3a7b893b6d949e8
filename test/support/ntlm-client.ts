import { createHash } from 'node:crypto'
import { desLong } from '../../src/accounts/directory/sasl/ntlm/des.ts'
import { hmacMd5, lmOneWay, ntOneWay, ntOneWayV2 } from '../../src/accounts/directory/sasl/ntlm/keys.ts'
import { Rc4 } from '../../src/core/octets/rc4.ts'

/** NTLMSSP_NEGOTIATE_… of MS-NLMP section 2.2.2.5, as numbers: the server's own table is under test. */
export const FLAG = {
  unicode: 0x1,
  oem: 0x2,
  requestTarget: 0x4,
  sign: 0x10,
  seal: 0x20,
  ntlm: 0x200,
  alwaysSign: 0x8000,
  session: 0x80000,
  targetInfo: 0x800000,
  version: 0x2000000,
  key128: 0x20000000,
  keyExchange: 0x40000000,
} as const

const BASE = FLAG.unicode | FLAG.requestTarget | FLAG.ntlm | FLAG.alwaysSign
const CLIENT_CHALLENGE = Buffer.from('a0a1a2a3a4a5a6a7', 'hex')
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le')

/** Returns a NEGOTIATE_MESSAGE. */
export function negotiateMessage(flags: number = BASE | FLAG.session): Buffer {
  const message = Buffer.alloc(32)
  message.write('NTLMSSP\0', 'latin1')
  message.writeUInt32LE(1, 8)
  message.writeUInt32LE(flags >>> 0, 12)
  return message
}

/** The parts of a CHALLENGE_MESSAGE. */
interface ReadChallenge {
  readonly flags: number
  readonly serverChallenge: Buffer
  readonly targetName: Buffer
  readonly targetInfo: Buffer
}

export function readChallenge(message: Buffer): ReadChallenge {
  const field = (at: number): Buffer => {
    const offset = message.readUInt32LE(at + 4)
    return message.subarray(offset, offset + message.readUInt16LE(at))
  }
  if (message.toString('latin1', 0, 8) !== 'NTLMSSP\0' || message.readUInt32LE(8) !== 2) throw new Error('no challenge')
  return {
    flags: message.readUInt32LE(20),
    serverChallenge: message.subarray(24, 32),
    targetName: field(12),
    targetInfo: field(40),
  }
}

type ClientVersion = 'lm' | 'v1' | 'session' | 'lmv2' | 'v2'

export interface ClientLogon {
  readonly user: string
  readonly password: string
  readonly domain?: string
  readonly workstation?: string
  readonly version?: ClientVersion
  /** The domain that enters the NTLMv2 key. Default: `domain`. */
  readonly keyDomain?: string
  /** NTLMv2: a MIC, with a session key that only the client chooses if the server exchanges keys. */
  readonly mic?: boolean
  /** NTLMv2: the client's time as FILETIME. Default: that of the challenge. */
  readonly timestamp?: Buffer
  /** More attributes of NTLMv2, encoded. */
  readonly attributes?: Buffer
  /** Whether texts are in the code page. */
  readonly oem?: boolean
  /** Default: those of the challenge. */
  readonly flags?: number
}

/** Returns the value of an attribute of the challenge. */
export function attribute(targetInfo: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= targetInfo.length; ) {
    const length = targetInfo.readUInt16LE(at + 2)
    if (targetInfo.readUInt16LE(at) === id) return targetInfo.subarray(at + 4, at + 4 + length)
    at += 4 + length
  }
  return undefined
}

/** Returns the AUTHENTICATE_MESSAGE of a client that has sent `negotiate` and received `challenge`. */
export function authenticateMessage(negotiate: Buffer, challenge: Buffer, logon: ClientLogon): Buffer {
  const read = readChallenge(challenge)
  const { user, domain = '', workstation = 'PC1', version = 'v2', oem = false, mic = false } = logon
  const { lm, nt, sessionKey } = responses(read, { ...logon, version, domain })
  const text = (value: string): Buffer => (oem ? Buffer.from(value, 'latin1') : utf16(value))
  const flags = logon.flags ?? read.flags
  // MS-NLMP section 3.1.5.1.2
  const exchanges = mic && (flags & FLAG.keyExchange) !== 0 && (flags & (FLAG.sign | FLAG.seal)) !== 0
  const chosen = Buffer.alloc(16, 0x5a)
  const encryptedKey = exchanges ? new Rc4(sessionKey).update(chosen) : Buffer.alloc(0)
  const values = [lm, nt, text(domain), text(user), text(workstation), encryptedKey]
  const header = Buffer.alloc(88)
  header.write('NTLMSSP\0', 'latin1')
  header.writeUInt32LE(3, 8)
  let offset = header.length
  for (const [index, value] of values.entries()) {
    header.writeUInt16LE(value.length, 12 + 8 * index)
    header.writeUInt16LE(value.length, 14 + 8 * index)
    header.writeUInt32LE(offset, 16 + 8 * index)
    offset += value.length
  }
  header.writeUInt32LE(flags >>> 0, 60)
  Buffer.from('0501280a0000000f', 'hex').copy(header, 64)
  const message = Buffer.concat([header, ...values])
  if (mic) hmacMd5(exchanges ? chosen : sessionKey, negotiate, challenge, message).copy(message, 72)
  return message
}

type Responses = { readonly lm: Buffer; readonly nt: Buffer; readonly sessionKey: Buffer }

function responses(
  { serverChallenge, targetInfo }: ReadChallenge,
  logon: ClientLogon & { readonly version: ClientVersion; readonly domain: string },
): Responses {
  const { user, password, version, domain, keyDomain = domain } = logon
  const none = Buffer.alloc(0)
  if (version === 'lm') return { lm: desLong(lmOneWay(password), serverChallenge), nt: none, sessionKey: none }
  if (version === 'v1') {
    const nt = desLong(ntOneWay(password), serverChallenge)
    return { lm: desLong(lmOneWay(password), serverChallenge), nt, sessionKey: none }
  }
  if (version === 'session') {
    const nonces = createHash('md5').update(serverChallenge).update(CLIENT_CHALLENGE).digest().subarray(0, 8)
    const lm = Buffer.concat([CLIENT_CHALLENGE, Buffer.alloc(16)])
    return { lm, nt: desLong(ntOneWay(password), nonces), sessionKey: none }
  }
  const key = ntOneWayV2(password, user, keyDomain)
  const lm = Buffer.concat([hmacMd5(key, serverChallenge, CLIENT_CHALLENGE), CLIENT_CHALLENGE])
  if (version === 'lmv2') return { lm, nt: none, sessionKey: none }
  const time = logon.timestamp ?? attribute(targetInfo, 7) ?? Buffer.alloc(8)
  const head = Buffer.from('0101000000000000', 'hex')
  const micFlag = logon.mic ? Buffer.from('0600040002000000', 'hex') : none
  const list = Buffer.concat([micFlag, logon.attributes ?? none, targetInfo, Buffer.alloc(4)])
  const temp = Buffer.concat([head, time, CLIENT_CHALLENGE, Buffer.alloc(4), list])
  const proof = hmacMd5(key, serverChallenge, temp)
  return { lm, nt: Buffer.concat([proof, temp]), sessionKey: hmacMd5(key, proof) }
}
