import { randomBytes } from 'node:crypto'
import { isAtLeast, type NtlmVersion } from '../../../../core/config/schema/ntlm.ts'
import { Rc4 } from '../../../../core/octets/rc4.ts'
import { systemClock } from '../../../../core/time/clock.ts'
import { isSameSecret } from '../../secrets.ts'
import type { Proof as LogonProof } from '../../types.ts'
import {
  challenge,
  failure,
  proofFailure,
  proofResult,
  type SaslContext,
  type SaslExchange,
  type SaslMechanism,
  type SaslResult,
  type SaslStep,
} from '../exchange.ts'
import { avValue, encodeAvPairs, fileTime, fileTimeMs, parseAvPairs } from './av-pairs.ts'
import { isBound, isRightChannel } from './channel-binding.ts'
import { hasFlag } from './flags.ts'
import { hmacMd5 } from './keys.ts'
import {
  type Authenticate,
  answerFlags,
  type Challenge,
  encodeChallenge,
  parseAuthenticate,
  parseNegotiate,
  withoutMic,
} from './messages.ts'
import { checkResponses, isV2, parseClientChallenge, type ResponseProof, responsesIn } from './responses.ts'

const MALFORMED = failure('malformed NTLM message')
/** How far the clocks of client and server may differ. MS-NLMP section 3.1.1.1, and note 40 of section 7. */
const MAX_LIFETIME_MS = 36 * 60 * 60 * 1000
/** Bit of MsvAvFlags: the message has a MIC. MS-NLMP section 2.2.2.1. */
const HAS_MIC = 0x2
const SESSION_KEY_OCTETS = 16

/** NTLM, the Secure Password Authentication of Outlook Express. MS-NLMP; the server of a connection-oriented exchange. */
export const ntlm: SaslMechanism = {
  name: 'NTLM',
  method: 'ntlm',
  needs: 'clear',
  start: (context) => new NtlmExchange(context),
}

/** The messages of one exchange so far, over which the client computes the MIC. */
interface Sent {
  readonly negotiate: Buffer
  readonly challenge: Buffer
  readonly answer: Challenge
}

class NtlmExchange implements SaslExchange {
  readonly #context: SaslContext
  #sent: Sent | undefined

  constructor(context: SaslContext) {
    this.#context = context
  }

  next(response: Buffer | undefined): SaslStep {
    if (response === undefined) return challenge()
    const sent = this.#sent
    if (!sent) return this.#challenge(response)
    // A challenge is used once. MS-NLMP section 3.2.5.1.1
    this.#sent = undefined
    return this.#verify(response, sent)
  }

  #challenge(negotiate: Buffer): SaslStep {
    const asked = parseNegotiate(negotiate)
    if (asked === undefined) return MALFORMED
    const flags = answerFlags(asked)
    const targetInfo = hasFlag(flags, 'targetInfo') ? this.#targetInfo() : Buffer.alloc(0)
    const serverChallenge = randomBytes(8)
    const answer = { flags, serverChallenge, targetName: this.#netBiosDomain, targetInfo }
    const message = encodeChallenge(answer)
    this.#sent = { negotiate, challenge: message, answer }
    return challenge(message)
  }

  get #now(): number {
    return (this.#context.clock ?? systemClock).now()
  }

  get #netBiosDomain(): string {
    return netBiosName(this.#context.directory.domain)
  }

  /** The names of the server and of its domain, and the time. MS-NLMP section 3.2.5.1.1. */
  #targetInfo(): Buffer {
    const { domain } = this.#context.directory
    const { hostname = domain } = this.#context
    const text = (value: string): Buffer => Buffer.from(value, 'utf16le')
    return encodeAvPairs([
      ['netBiosDomain', text(this.#netBiosDomain)],
      ['netBiosComputer', text(netBiosName(hostname))],
      ['dnsDomain', text(domain)],
      ['dnsComputer', text(hostname)],
      ['timestamp', fileTime(this.#now)],
    ])
  }

  #verify(message: Buffer, sent: Sent): SaslStep {
    const authenticate = parseAuthenticate(message, sent.answer.flags)
    const client = authenticate && (isV2(authenticate) ? parseV2(authenticate) : NOT_V2)
    if (!authenticate || !client) return MALFORMED
    const { minVersion = 'lm' } = this.#context.ntlm ?? {}
    const accepted = responsesIn(authenticate).filter(({ version }) => isAtLeast(version, minVersion))
    if (accepted.length === 0) return refusal(authenticate, minVersion)
    const account = this.#context.directory.find(nameOf(authenticate))
    const { serverChallenge } = sent.answer
    const secrets = this.#context.directory.secretsOf(account).map((secret) => ({
      secret,
      proof: checkResponses({ serverChallenge, password: secret.password, authenticate }, accepted),
    }))
    const { secret, proof } = secrets.find((one) => one.proof !== undefined) ?? {}
    const result =
      account && secret && proof
        ? this.#result({ account, secret }, { message, sent, authenticate, client, proof })
        : proofFailure(nameOf(authenticate))
    return { ...result, note: noteOf(authenticate, proof ? [proof] : accepted, client) }
  }

  /** Returns the result of a right response. MS-NLMP section 3.2.5.1.2. */
  #result(who: LogonProof, { client, ...proven }: Proven): SaslResult {
    if (client.hasMic && !hasRightMic(proven)) return failure('the NTLM messages were changed on their way: wrong MIC')
    if (client.timeMs !== undefined && Math.abs(client.timeMs - this.#now) > MAX_LIFETIME_MS)
      return failure("the client's clock differs by more than 36 hours")
    if (!isRightChannel(client.bound, this.#context.channelBindings))
      return failure('the log-on is bound to another TLS channel')
    return proofResult(this.#context, who)
  }
}

/** Returns the refusal of a message whose response is missing or too weak. */
function refusal(authenticate: Authenticate, minVersion: NtlmVersion): SaslResult {
  const offered = responsesIn(authenticate)
  const reason =
    offered.length === 0
      ? 'NTLM without a response: anonymous log-on is not offered'
      : `the NTLM response is weaker than this server accepts (ntlm.minVersion: ${minVersion})`
  return { ...failure(reason), note: noteOf(authenticate, offered) }
}

/** A message whose response is right. */
interface Proven {
  readonly message: Buffer
  readonly sent: Sent
  readonly authenticate: Authenticate
  readonly client: ClientFacts
  readonly proof: ResponseProof
}

/** The contents of an NTLMv2 response besides its proof. */
interface ClientFacts {
  readonly hasMic: boolean
  readonly timeMs: number | undefined
  /** MsvAvChannelBindings. */
  readonly bound: Buffer | undefined
}

const NOT_V2: ClientFacts = { hasMic: false, timeMs: undefined, bound: undefined }

function parseV2({ ntResponse }: Authenticate): ClientFacts | undefined {
  const challengeOfClient = parseClientChallenge(ntResponse)
  const pairs = challengeOfClient && parseAvPairs(challengeOfClient.avPairs)
  if (!pairs) return undefined
  const flags = avValue(pairs, 'flags')
  return {
    hasMic: flags !== undefined && flags.length === 4 && (flags.readUInt32LE() & HAS_MIC) !== 0,
    timeMs: fileTimeMs(challengeOfClient.timestamp),
    bound: avValue(pairs, 'channelBindings'),
  }
}

/** Returns whether the client has seen the messages as they were sent. MS-NLMP section 3.2.5.1.2. */
function hasRightMic({ message, sent, authenticate, proof }: Omit<Proven, 'client'>): boolean {
  const { mic, flags, encryptedSessionKey } = authenticate
  const { sessionKey } = proof
  if (!mic || !sessionKey) return false
  const exchangesKey = hasFlag(flags, 'keyExchange') && (hasFlag(flags, 'sign') || hasFlag(flags, 'seal'))
  // Anyone could compute the MIC under an empty key.
  if (exchangesKey && encryptedSessionKey.length !== SESSION_KEY_OCTETS) return false
  const exported = exchangesKey ? new Rc4(sessionKey).update(encryptedSessionKey) : sessionKey
  return isSameSecret(hmacMd5(exported, sent.negotiate, sent.challenge, withoutMic(message)), mic)
}

/** Returns the log-on name in a form that the directory knows. A client may put the domain into the name, or leave it out. */
const nameOf = ({ domain, user }: Authenticate): string => (domain === '' ? user : `${domain}\\${user}`)

/** Returns the first label of a name in capitals, up to the 15 characters of a NetBIOS name. */
const netBiosName = (name: string): string => (name.split('.')[0] ?? '').slice(0, 15).toUpperCase()

const MAX_SHOWN = 64
const printableText = (text: string): string => text.slice(0, MAX_SHOWN).replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '?')

/** Returns what the record of the session says about the client. */
function noteOf(
  authenticate: Authenticate,
  responses: readonly { readonly name: string }[],
  { hasMic, bound }: ClientFacts = NOT_V2,
): string {
  const { workstation, clientVersion } = authenticate
  return [
    `NTLM: ${responses.length === 0 ? 'no response' : responses.map(({ name }) => name).join(' or ')}`,
    ...(hasMic ? ['MIC'] : []),
    ...(isBound(bound) ? ['channel binding'] : []),
    `user ${printableText(nameOf(authenticate))}`,
    ...(workstation === '' ? [] : [`workstation ${printableText(workstation)}`]),
    ...(clientVersion === undefined ? [] : [`client version ${clientVersion}`]),
  ].join(', ')
}
