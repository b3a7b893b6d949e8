import { createHash } from 'node:crypto'
import type { NtlmVersion } from '../../../../core/config/schema/ntlm.ts'
import { isSameSecret } from '../../secrets.ts'
import { desLong } from './des.ts'
import { hasFlag } from './flags.ts'
import { hmacMd5, isLmPassword, lmOneWay, ntOneWay, ntOneWayV2, upperCase } from './keys.ts'
import type { Authenticate } from './messages.ts'

const SHORT_RESPONSE_OCTETS = 24
const PROOF_OCTETS = 16
/** NTLMv2_CLIENT_CHALLENGE without its attributes. MS-NLMP section 2.2.2.7. */
const CLIENT_CHALLENGE_OCTETS = 28

/** The facts by which a response proves that the client knows a password. */
interface Question {
  readonly serverChallenge: Buffer
  readonly password: string
  readonly authenticate: Authenticate
}

/** The facts of a right response. */
export interface ResponseProof {
  /** The response as it is named in records: `NTLMv2`. */
  readonly name: string
  /** The key of the session, which the MIC needs. Only NTLMv2 has a MIC. */
  readonly sessionKey: Buffer | undefined
}

/** One kind of response. */
interface Response {
  readonly name: string
  readonly version: NtlmVersion
  /** Returns whether a message contains such a response. */
  isIn(authenticate: Authenticate): boolean
  /** Returns the session key if the response is right, or `true` for a kind without one. Returns false if it is wrong. */
  check(question: Question): Buffer | boolean
}

/** Returns whether NtChallengeResponse is an NTLMv2_RESPONSE. MS-NLMP section 3.2.5.1.2. */
export const isV2 = ({ ntResponse }: Authenticate): boolean => ntResponse.length > SHORT_RESPONSE_OCTETS

/** The part of an NTLMv2_RESPONSE behind its proof. MS-NLMP section 2.2.2.8. */
interface ClientChallenge {
  readonly timestamp: Buffer
  readonly avPairs: Buffer
}

/** Parses what an NTLMv2_RESPONSE contains besides its proof. Undefined if it is malformed. MS-NLMP section 2.2.2.7. */
export function parseClientChallenge(ntResponse: Buffer): ClientChallenge | undefined {
  const octets = ntResponse.subarray(PROOF_OCTETS)
  if (octets.length < CLIENT_CHALLENGE_OCTETS || octets[0] !== 1 || octets[1] !== 1) return undefined
  return { timestamp: octets.subarray(8, 16), avPairs: octets.subarray(CLIENT_CHALLENGE_OCTETS) }
}

const isShort = (octets: Buffer): boolean => octets.length === SHORT_RESPONSE_OCTETS
const hasSessionSecurity = ({ flags }: Authenticate): boolean => hasFlag(flags, 'extendedSessionSecurity')

/**
 * Returns the keys under which a client may have computed its response. Some use the domain in capitals, some use none, which
 * MS-NLMP section 3.2.5.1.2 asks servers to support.
 */
const keysV2 = ({ password, authenticate: { user, domain } }: Question): Buffer[] =>
  [domain, upperCase(domain), ''].map((form) => ntOneWayV2(password, user, form))

/** Every kind of response, the strongest first. */
const responses: readonly Response[] = [
  {
    name: 'NTLMv2',
    version: 'v2',
    isIn: isV2,
    check(question) {
      const { ntResponse } = question.authenticate
      const proof = ntResponse.subarray(0, PROOF_OCTETS)
      const rest = ntResponse.subarray(PROOF_OCTETS)
      const keys = keysV2(question).filter((key) => isSameSecret(hmacMd5(key, question.serverChallenge, rest), proof))
      return keys[0] === undefined ? false : hmacMd5(keys[0], proof)
    },
  },
  {
    name: 'LMv2',
    version: 'v2',
    // Beside an NTLMv2 response it does not count. It has no MIC, so an attacker could change the other one.
    isIn: ({ ntResponse, lmResponse }) => ntResponse.length === 0 && isShort(lmResponse),
    check(question) {
      const { lmResponse } = question.authenticate
      const proof = lmResponse.subarray(0, PROOF_OCTETS)
      const clientChallenge = lmResponse.subarray(PROOF_OCTETS)
      const expected = keysV2(question).map((key) => hmacMd5(key, question.serverChallenge, clientChallenge))
      return expected.filter((one) => isSameSecret(one, proof)).length > 0
    },
  },
  {
    name: 'NTLM2 session',
    version: 'session',
    isIn: (authenticate) => hasSessionSecurity(authenticate) && isShort(authenticate.ntResponse),
    check({ serverChallenge, password, authenticate: { lmResponse, ntResponse } }) {
      const nonces = createHash('md5').update(serverChallenge).update(lmResponse.subarray(0, 8)).digest()
      return isSameSecret(desLong(ntOneWay(password), nonces.subarray(0, 8)), ntResponse)
    },
  },
  {
    name: 'NTLMv1',
    version: 'v1',
    isIn: (authenticate) => !hasSessionSecurity(authenticate) && isShort(authenticate.ntResponse),
    check: ({ serverChallenge, password, authenticate: { ntResponse } }) =>
      isSameSecret(desLong(ntOneWay(password), serverChallenge), ntResponse),
  },
  {
    name: 'LM',
    version: 'lm',
    isIn: (authenticate) =>
      !hasSessionSecurity(authenticate) && !isV2(authenticate) && isShort(authenticate.lmResponse),
    check({ serverChallenge, password, authenticate: { lmResponse } }) {
      const isRight = isSameSecret(desLong(lmOneWay(password), serverChallenge), lmResponse)
      return isRight && isLmPassword(password)
    },
  },
]

/** Returns the kinds of responses that a message may contain, the strongest first. LMv2 and LM look the same. */
export const responsesIn = (authenticate: Authenticate): readonly Response[] =>
  responses.filter((response) => response.isIn(authenticate))

/**
 * Checks the responses in a message. Checks all of them, whichever is right, so that the time reveals nothing.
 * @returns the strongest response that is right
 */
export function checkResponses(question: Question, accepted: readonly Response[]): ResponseProof | undefined {
  const proofs = accepted.flatMap(({ name, check }): ResponseProof[] => {
    const result = check(question)
    return result === false ? [] : [{ name, sessionKey: result === true ? undefined : result }]
  })
  return proofs[0]
}
