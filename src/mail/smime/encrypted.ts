import { formatName, readName } from '../../tls/pki/certificate/names.ts'
import { PkiError } from '../../tls/pki/errors.ts'
import { contentKeyOf, methodOf } from './cms/content-key.ts'
import { cipherOf, decryptContent } from './cms/decrypt.ts'
import type { EnvelopedData, RecipientInfo } from './cms/enveloped.ts'
import type { ContentCipher } from './cms/ids.ts'
import { type HeldKey, refersTo } from './trust.ts'
import type { EncryptedLayer, SmimeRecipient } from './types.ts'

/** The layer as it is shown, and its content if the lab holds a key. */
interface OpenedLayer {
  readonly layer: EncryptedLayer
  readonly content?: Buffer
}

/** Recipients whose key is tried. Each attempt can decrypt the whole content. */
const MAX_ATTEMPTS = 5

/** Opens an encrypted layer with one of the keys. */
export function openEncrypted(data: EnvelopedData, keys: readonly HeldKey[]): OpenedLayer {
  const { cipher, title } = cipherOf(data)
  const found = data.recipients.map((info) => ({
    info,
    held: keys.find((one) => refersTo(info.recipient, one.certificate)),
  }))
  const shown = {
    kind: 'encrypted' as const,
    authenticated: cipher?.isAuthenticated ?? data.tag !== undefined,
    cipher: title,
    recipients: found.map(({ info, held }) => recipientFacts(info, held)),
  }
  const closed = (problem: string): OpenedLayer => ({ layer: { ...shown, opened: false, openedWith: null, problem } })
  if (!cipher) return closed(`the cipher ${title} is not supported`)
  const usable = found.flatMap(({ info, held }) => (held ? [{ info, held }] : []))
  if (usable.length === 0)
    return closed('the lab holds no key of its recipients; import one with: sealpost cert import')
  const problems: string[] = []
  for (const { info, held } of usable.slice(0, MAX_ATTEMPTS)) {
    const result = decryptLayer(data, info, held, cipher)
    if (Buffer.isBuffer(result)) {
      return { layer: { ...shown, opened: true, openedWith: held.friendlyName, problem: null }, content: result }
    }
    problems.push(`${held.friendlyName}: ${result}`)
  }
  return closed(problems.join('; '))
}

/** Returns the content, or why the key does not open it. */
function decryptLayer(data: EnvelopedData, info: RecipientInfo, held: HeldKey, cipher: ContentCipher): Buffer | string {
  try {
    return decryptContent(data, cipher, contentKeyOf(info, held.key, held.certificate, cipher.keyOctets))
  } catch (error) {
    if (error instanceof PkiError) return error.message
    // The same words for every failure, so that nobody learns from them how the padding was.
    return cipher.isAuthenticated
      ? 'it was changed after it was encrypted, or the key does not fit'
      : 'it cannot be decrypted: it was changed, or the key does not fit'
  }
}

function recipientFacts(info: RecipientInfo, held: HeldKey | undefined): SmimeRecipient {
  const { issuer, serial, keyIdentifier } = info.recipient
  return {
    method: methodOf(info),
    issuer: issuer ? formatName(readName(issuer)) : null,
    serial: serial?.toString('hex').toUpperCase() ?? null,
    keyIdentifier: keyIdentifier?.toString('hex').toUpperCase() ?? null,
    certificate: held?.friendlyName ?? null,
  }
}
