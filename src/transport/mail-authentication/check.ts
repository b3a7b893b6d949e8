import type { DmarcEdition } from '../../core/config/schema/mail-authentication.ts'
import type { MessageAuthentication } from '../../mail/format/authentication-results.ts'
import { asciiDomain, authorDomains } from './author.ts'
import type { IndicatorRules } from './bimi/indicator.ts'
import { checkArc } from './check-arc.ts'
import { checkBimi } from './check-bimi.ts'
import { checkDmarc } from './check-dmarc.ts'
import { checkSignatures, type SignatureLimits } from './check-signatures.ts'
import { checkSpf, type SenderFacts } from './check-spf.ts'
import type { NameLookup } from './names.ts'
import { type Field, fieldValue } from './signed-fields.ts'
import type { SplitMessage } from './split-message.ts'
import { listOf, parseTags } from './tag-list.ts'

interface CheckSettings extends SignatureLimits {
  /** The name of the lab, for SPF macros. */
  readonly hostname: string
  readonly dmarc: DmarcEdition
  /** Undefined: logos are not fetched. */
  readonly bimi: (() => Promise<IndicatorRules>) | undefined
}

/** Checks a message by SPF, DKIM, DMARC, ARC and BIMI. */
export async function checkMessage(
  message: SplitMessage,
  sender: SenderFacts,
  lookUp: NameLookup,
  settings: CheckSettings,
): Promise<MessageAuthentication> {
  const { fields, header } = message
  const signatures = fields
    .filter(({ nameLower }) => nameLower === 'dkim-signature')
    .map((field) => ({ kind: 'DKIM-Signature' as const, field }))
  const [spf, dkim, arc] = await Promise.all([
    checkSpf(sender, settings, lookUp),
    checkSignatures(message, signatures, lookUp, settings),
    checkArc(message, lookUp, settings),
  ])
  const dmarc = await checkDmarc(authorDomains(fields), { spf, dkim, header }, lookUp, settings.dmarc)
  const aligned = await Promise.all(
    dkim.map(async (one) => ({ ...one, aligned: await dmarc.isAligned(asciiDomain(one.domain)) })),
  )
  const isSelectorSigned = aligned.some(
    (one, index) => one.aligned && one.result === 'pass' && coversField(signatures[index]?.field, 'bimi-selector'),
  )
  const bimi = await checkBimi(dmarc, { fields, isSelectorSigned }, lookUp, settings.bimi)
  return { spf, dkim: aligned, dmarc: dmarc.result, arc, bimi }
}

/** Returns whether a signature covers a field. RFC 6376 section 3.5. */
function coversField(signature: Field | undefined, nameLower: string): boolean {
  const names = signature && parseTags(fieldValue(signature))?.get('h')
  return names !== undefined && listOf(names).some((name) => name.toLowerCase() === nameLower)
}

/** The results of a message that cannot be checked: its header is too large, or a check has thrown an error. */
export const withoutChecks = (
  sender: SenderFacts,
  result: 'permerror' | 'temperror',
  reason: string,
): MessageAuthentication => ({
  spf: {
    result,
    reason,
    domain: asciiDomain(sender.mailFrom.split('@').at(-1) ?? ''),
    identity: 'mailfrom',
  },
  dkim: [],
  dmarc: { result, reason, domain: '', spfAligned: false, dkimAligned: false },
  arc: { result: 'none' },
  bimi: { result: 'skipped', reason },
})
