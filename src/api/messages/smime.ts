import { z } from 'zod'
import type { ReadableMessage } from '../../mail/format/readable.ts'
import { type SmimeResult, smimeOf } from '../../mail/smime/smime.ts'
import type { Api } from '../api.ts'
import { type Caller, seesLab, viewKey } from '../caller.ts'
import type { IndexedMessage } from './message-index.ts'
import { type OpenMessage, parseReadable } from './open-messages.ts'

const problems = z.array(z.string()).describe('What is wrong, in plain words.')

const signer = z
  .object({
    valid: z.boolean(),
    name: z.string().nullable().describe('Whom the certificate is issued to; null without a certificate.'),
    addresses: z.array(z.string()).describe('Mail addresses in the certificate.'),
    issuer: z.string(),
    serial: z.string(),
    thumbprint: z.string().nullable(),
    notBefore: z.string().nullable(),
    notAfter: z.string().nullable(),
    signedAt: z.string().nullable().describe('The time that the signer claims.'),
    algorithm: z.string().describe('`RSA`, `RSA-PSS`, `ECDSA`, `Ed25519` and so on.'),
    hash: z.string().describe('`SHA-256` and so on.'),
    problems,
    warnings: z.array(z.string()),
  })
  .meta({ id: 'SmimeSigner' })

const recipient = z.object({
  method: z.string().describe('`RSA`, `RSA-OAEP` or `ECDH`.'),
  issuer: z.string().nullable(),
  serial: z.string().nullable(),
  keyIdentifier: z.string().nullable(),
  certificate: z.string().nullable().describe('Friendly name of the certificate in the store.'),
})

const layer = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('signed'),
      form: z.enum(['detached', 'opaque']).describe('`detached`: multipart/signed. `opaque`: application/pkcs7-mime.'),
      signers: z.array(signer),
      problems,
    }),
    z.object({
      kind: z.literal('encrypted'),
      opened: z.boolean(),
      authenticated: z.boolean().describe('Whether a change of the content is noticed (AES-GCM).'),
      cipher: z.string().describe('`AES-256-CBC` and so on.'),
      recipients: z.array(recipient),
      openedWith: z.string().nullable().describe('Friendly name of the certificate whose key opened it.'),
      problem: z.string().nullable().describe('Why it stays closed.'),
    }),
    z.object({ kind: z.literal('compressed'), problem: z.string().nullable() }),
  ])
  .meta({ id: 'SmimeLayer' })

/** The signatures and the encryption of a message. */
export const messageSmime = z
  .object({
    signature: z.enum(['valid', 'invalid', 'none']).describe('`valid`: every signature is valid.'),
    encryption: z.enum(['opened', 'closed', 'none']).describe('`opened`: the lab holds a key for every layer.'),
    problems,
    warnings: z.array(z.string()),
    layers: z.array(layer).describe('From the outermost one inward.'),
  })
  .meta({ id: 'Smime' })

/** Returns a copy that may be changed, as the schema has it. */
export const smimeFacts = (smime: SmimeResult | undefined): z.infer<typeof messageSmime> | null =>
  smime ? (structuredClone(smime.facts) as z.infer<typeof messageSmime>) : null

/** An S/MIME message as a caller sees it. */
interface OpenedMessage {
  readonly result: SmimeResult
  /** The message with its content opened; undefined if it is readable as it is, or stays closed. */
  readonly opened: ReadableMessage | undefined
}

/**
 * Verifies and opens a message, once for all who read it with the same rights. Accounts and tenants open mail only with keys
 * for their own addresses; who sees the whole lab, with every key of the certificate store.
 */
export function smimeFor(
  { api, caller }: { readonly api: Api; readonly caller: Caller },
  { entry }: IndexedMessage,
  open: OpenMessage,
): Promise<OpenedMessage | undefined> {
  const { certificateStore, directory, config } = api.lab
  const { role, name, tenant } = caller
  const isOwn = (address: string): boolean => {
    const user = directory.findByAddress(address)?.user
    if (user === undefined) return false
    return role === 'account' ? user === name : (tenant?.ownsAccount(user) ?? false)
  }
  return open.computeOnce(`smime ${viewKey(caller)}`, async () => {
    const result = await smimeOf(open.read.raw, certificateStore, {
      receivedAt: entry.savedAt,
      structure: open.read.structure,
      // Nobody could have sent the content of a larger layer as it is.
      maxOctets: Math.max(0, ...config.virtualServers.map(({ limits }) => limits.messageSize)),
      reserve: (octets) => open.memory.grow(octets),
      ...(seesLab(caller) ? {} : { mayUse: ({ addresses }) => addresses.some(isOwn) }),
    })
    return result && { result, opened: result.opened && (await parseReadable(result.opened)) }
  })
}
