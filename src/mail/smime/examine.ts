import { promisify } from 'node:util'
import { inflate } from 'node:zlib'
import { MemoryLimitReached } from '../../core/octets/memory-budget.ts'
import { runInSlices } from '../../core/time/time-slice.ts'
import { type Asn1, item, items, octetStringValue } from '../../tls/pki/der/decode.ts'
import { PkiError } from '../../tls/pki/errors.ts'
import { parseInSteps } from '../format/structure.ts'
import type { MessagePart } from '../format/types.ts'
import { readContentInfo, readSignedData } from './cms/content.ts'
import { readEnvelopedData } from './cms/enveloped.ts'
import { contentTypes } from './cms/ids.ts'
import { openEncrypted } from './encrypted.ts'
import { type MimeLayer, mimeLayer, sendersOf, withContent } from './mime.ts'
import { readableCertificates, type SignedMessage, signerFacts } from './signer.ts'
import type { SmimeTrust } from './trust.ts'
import type { SignedLayer, SmimeFacts, SmimeLayer } from './types.ts'

/** The S/MIME layers of a message. */
export interface SmimeResult {
  readonly facts: SmimeFacts
  /** The message with the content that was encrypted or enclosed in a signature; absent if it is readable as it is. */
  readonly opened?: Buffer
}

/** Most layers that are opened. */
const MAX_LAYERS = 8
/** Longest content of all compressed layers together. */
const MAX_INFLATED_OCTETS = 25 * 1024 * 1024
/** Content beyond this may be this many times as long as its compressed octets. Texts become a tenth, DEFLATE allows 1032. */
const FREE_INFLATED_OCTETS = 1024 * 1024
const MAX_RATIO = 100
/** Most compressed layers that are opened. */
const MAX_COMPRESSED_LAYERS = 2

/** The rest of the limits for the compressed layers of a message. */
interface InflateBudget {
  octets: number
  layers: number
  readonly reserve: (octets: number) => void
}

interface ExamineOptions {
  /** The message's structure, if the caller has parsed it. */
  readonly structure?: MessagePart | undefined
  /** Most octets of the content of compressed layers. Default: 25 MiB. */
  readonly maxOctets?: number
  /** Counts the memory of content before it is made. @throws if there is not enough */
  readonly reserve?: (octets: number) => void
}

const inflated = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflate)

/** A layer, and what is inside it if that is known. */
interface Peeled {
  readonly layer: SmimeLayer
  readonly content?: Buffer
}

/** Verifies the signatures of a message and opens its encrypted layers. Undefined if it is not an S/MIME message. */
export async function examineSmime(
  raw: Buffer,
  trust: SmimeTrust,
  receivedAt: number,
  { structure, maxOctets = MAX_INFLATED_OCTETS, reserve = () => {} }: ExamineOptions = {},
): Promise<SmimeResult | undefined> {
  const message: SignedMessage = { senders: sendersOf(raw), receivedAt }
  const budget: InflateBudget = { octets: maxOctets, layers: MAX_COMPRESSED_LAYERS, reserve }
  const layers: SmimeLayer[] = []
  let shown: Buffer | undefined
  let found = await layerOf(raw, structure)
  while (found && layers.length < MAX_LAYERS) {
    const { layer, content } = await peel(found, message, trust, budget)
    layers.push(layer)
    if (content === undefined) break
    if (found.form === 'opaque') shown = content
    found = await layerOf(content)
  }
  if (layers.length === 0) return undefined
  return { facts: factsOf(layers), ...(shown ? { opened: withContent(raw, shown) } : {}) }
}

/** A few kilobytes may contain a compressed message of thousands of parts. */
const layerOf = async (entity: Buffer, structure?: MessagePart): Promise<MimeLayer | undefined> =>
  runInSlices(mimeLayer(entity, structure ?? (await runInSlices(parseInSteps(entity)))))

async function peel(
  found: MimeLayer,
  message: SignedMessage,
  trust: SmimeTrust,
  budget: InflateBudget,
): Promise<Peeled> {
  try {
    return found.form === 'detached'
      ? signedLayer('detached', readContentInfo(found.signature).content, found.content, message, trust)
      : await peelOpaque(found.content, message, trust, budget)
  } catch (error) {
    if (error instanceof MemoryLimitReached) throw error
    const problem = `it cannot be read: ${error instanceof PkiError ? error.message : 'broken S/MIME'}`
    return { layer: { kind: 'signed', form: found.form, signers: [], problems: [problem] } }
  }
}

async function peelOpaque(
  octets: Buffer,
  message: SignedMessage,
  trust: SmimeTrust,
  budget: InflateBudget,
): Promise<Peeled> {
  const { type, content } = readContentInfo(octets)
  switch (type) {
    case contentTypes.signedData:
      return signedLayer('opaque', content, undefined, message, trust)
    case contentTypes.envelopedData:
    case contentTypes.authEnvelopedData:
      return openEncrypted(readEnvelopedData(content), trust.keys)
    case contentTypes.compressedData:
      return compressedLayer(content, budget)
    default:
      throw new PkiError('malformed', `the content type ${type} is not supported`)
  }
}

function signedLayer(
  form: SignedLayer['form'],
  value: Asn1,
  detached: Buffer | undefined,
  message: SignedMessage,
  trust: SmimeTrust,
): Peeled {
  const data = readSignedData(value)
  const content = detached ?? data.content
  if (content === undefined) throw new PkiError('malformed', 'the signed content is missing')
  const sent = data.certificates.flatMap(readableCertificates)
  const signed = { content, contentType: data.contentType, sent }
  const signers = data.signers.map((info) => signerFacts(info, signed, message, trust))
  // RFC 8551 section 3.8: certs-only
  const problems = signers.length === 0 ? ['nobody has signed it: it only contains certificates'] : []
  return { layer: { kind: 'signed', form, signers, problems }, content }
}

/** RFC 3274 section 1.1. */
async function compressedLayer(value: Asn1, budget: InflateBudget): Promise<Peeled> {
  const closed = (problem: string): Peeled => ({ layer: { kind: 'compressed', problem } })
  if (--budget.layers < 0) return closed(`it is compressed more than ${MAX_COMPRESSED_LAYERS} times`)
  const [, , encapsulated] = items(value)
  const octets = octetStringValue(item(item(encapsulated, 1), 0))
  const most = Math.min(budget.octets, Math.max(FREE_INFLATED_OCTETS, MAX_RATIO * octets.length))
  budget.reserve(most)
  try {
    const content = await inflated(octets, { maxOutputLength: Math.max(1, most) })
    budget.octets -= content.length
    return { layer: { kind: 'compressed', problem: null }, content }
  } catch {
    return closed('the compressed content is broken or too large')
  }
}

function factsOf(layers: readonly SmimeLayer[]): SmimeFacts {
  const signed = layers.filter((layer) => layer.kind === 'signed')
  const encrypted = layers.filter((layer) => layer.kind === 'encrypted')
  const isValid = signed.every(({ signers, problems }) => problems.length === 0 && signers.every(({ valid }) => valid))
  const isOpened = encrypted.every(({ opened }) => opened)
  return {
    signature: signed.length === 0 ? 'none' : isValid ? 'valid' : 'invalid',
    encryption: encrypted.length === 0 ? 'none' : isOpened ? 'opened' : 'closed',
    problems: layers.flatMap(problemsOf),
    warnings: signed.flatMap(({ signers }) => signers.flatMap(({ warnings }) => warnings)),
    layers,
  }
}

function problemsOf(layer: SmimeLayer): readonly string[] {
  if (layer.kind === 'signed') return [...layer.problems, ...layer.signers.flatMap(({ problems }) => problems)]
  return layer.problem === null ? [] : [layer.problem]
}
