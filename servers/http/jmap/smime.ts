import type { IndexedMessage } from '../../../src/api/messages/message-index.ts'
import type { OpenMessage } from '../../../src/api/messages/open-messages.ts'
import { smimeFacts, smimeFor } from '../../../src/api/messages/smime.ts'
import { mediaTypeOf } from '../../../src/mail/format/body-lists.ts'
import { readableEmail, shownCopy } from './mails.ts'
import type { JmapRequest, JsonObject } from './types.ts'

const PROPERTIES = ['smimeStatus', 'smimeStatusAtDelivery', 'smimeErrors', 'smimeVerifiedAt']

export const isSmimeProperty = (name: string): boolean => PROPERTIES.includes(name)

/** Returns the properties of a message that say whether its signatures are valid. RFC 9219 section 4.1. */
export async function smimeProperties(
  { api, account: { caller } }: JmapRequest,
  at: IndexedMessage,
  open: OpenMessage,
): Promise<JsonObject> {
  const smime = smimeFacts((await smimeFor({ api, caller }, at, open))?.result)
  const now = api.lab.clock.now()
  const nothing = { smimeStatus: null, smimeStatusAtDelivery: null, smimeErrors: null, smimeVerifiedAt: null }
  // A signature of another kind, such as OpenPGP.
  const isOther = !smime && mediaTypeOf(open.read.structure) === 'multipart/signed'
  if (isOther) return { ...nothing, smimeStatus: 'unknown', smimeStatusAtDelivery: 'unknown' }
  if (!smime || smime.signature === 'none') return nothing
  const expired = smime.layers
    .flatMap((layer) => (layer.kind === 'signed' ? layer.signers : []))
    .filter(({ notAfter }) => notAfter !== null && Date.parse(notAfter) < now)
    .map(({ name }) => `the certificate of ${name} has expired`)
  const wasValid = smime.signature === 'valid'
  const errors = [...smime.problems, ...(wasValid ? expired : [])]
  return {
    smimeStatus: wasValid && expired.length === 0 ? 'signed/verified' : 'signed/failed',
    smimeStatusAtDelivery: wasValid ? 'signed/verified' : 'signed/failed',
    smimeErrors: errors.length > 0 ? errors : null,
    smimeVerifiedAt: new Date(now).toISOString().replace(/\.\d+/, ''),
  }
}

/** The Emails of an account that S/MIME protects, and those whose signatures are valid now, or were at delivery. */
export interface SmimeFound {
  readonly hasSmime: ReadonlySet<string>
  readonly hasVerifiedSmime: ReadonlySet<string>
  readonly hasVerifiedSmimeAtDelivery: ReadonlySet<string>
}

/** Verifies the Emails of an account, for the filters of RFC 9219 section 4.2. @throws StoreError, MemoryLimitReached */
export async function findSmime(call: JmapRequest): Promise<SmimeFound> {
  const { api, account, signal } = call
  const { caller } = account
  const found = {
    hasSmime: new Set<string>(),
    hasVerifiedSmime: new Set<string>(),
    hasVerifiedSmimeAtDelivery: new Set<string>(),
  }
  for (const mail of [...account.history.mails.values()]) {
    signal.throwIfAborted()
    const at = shownCopy(mail) && (readableEmail(mail) as IndexedMessage)
    if (!at) continue
    await api.reader.use(at, async (open) => {
      if (!(await smimeFor({ api, caller }, at, open))) return
      found.hasSmime.add(mail.id)
      const { smimeStatus, smimeStatusAtDelivery } = await smimeProperties(call, at, open)
      if (smimeStatus === 'signed/verified') found.hasVerifiedSmime.add(mail.id)
      if (smimeStatusAtDelivery === 'signed/verified') found.hasVerifiedSmimeAtDelivery.add(mail.id)
    })
  }
  return found
}
