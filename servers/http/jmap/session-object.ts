import type { JmapLimits } from '../../../src/core/config/schema/jmap.ts'
import { SIEVE_CAPABILITIES } from '../../../src/mail/sieve/sieve.ts'
import { SIEVE_LIMITS } from '../../../src/mail/sieve/types.ts'
import type { ScriptLimits } from '../../../src/storage/store/sieve-scripts.ts'
import { DIGESTS, LOOKUP_TYPES, MAX_DATA_SOURCES } from './blob-methods.ts'
import { BLOB, CORE, MAIL, MDN, SIEVE, SMIME_VERIFY, SUBMISSION, WEBSOCKET } from './capabilities.ts'
import { MAX_MAILBOXES } from './email-change.ts'
import { EMAIL_SORTS } from './email-sort.ts'
import { MAX_DELAYED_SEND, SUBMISSION_EXTENSIONS } from './envelope.ts'
import { digestOf } from './listed.ts'
import { methods } from './methods.ts'
import type { JmapAccount, JsonObject } from './types.ts'

/** The facts of which a session object consists. */
export interface SessionFacts {
  readonly account: JmapAccount
  readonly limits: JmapLimits
  readonly messageSize: number
  readonly sieve: ScriptLimits
}

/** The properties of each capability, in the session object and in its account. RFC 8620 section 2. */
interface Capability {
  readonly ofSession?: (facts: SessionFacts, base: string) => JsonObject
  /** Undefined: it is not one of the account. */
  readonly ofAccount?: (facts: SessionFacts) => JsonObject
}

const nothing = (): JsonObject => ({})

const table: Readonly<Record<string, Capability>> = {
  [CORE]: {
    ofSession: ({ limits }) => ({ ...limits, collationAlgorithms: ['i;ascii-casemap', 'i;unicode-casemap'] }),
  },
  // RFC 8621 section 1.3.1
  [MAIL]: {
    ofAccount: ({ messageSize }) => ({
      maxMailboxesPerEmail: MAX_MAILBOXES,
      maxMailboxDepth: null,
      maxSizeMailboxName: 490,
      maxSizeAttachmentsPerEmail: messageSize,
      emailQuerySortOptions: EMAIL_SORTS,
      mayCreateTopLevelMailbox: true,
    }),
  },
  // RFC 8621 section 1.3.2
  [SUBMISSION]: {
    ofAccount: () => ({
      maxDelayedSend: MAX_DELAYED_SEND,
      submissionExtensions: Object.fromEntries(SUBMISSION_EXTENSIONS.map((name) => [name, []])),
    }),
  },
  // RFC 9661 section 1.3
  [SIEVE]: {
    ofSession: () => ({ implementation: 'Sealpost' }),
    ofAccount: ({ sieve }) => ({
      maxSizeScriptName: 512,
      maxSizeScript: sieve.scriptSize,
      maxNumberScripts: sieve.scripts,
      maxNumberRedirects: SIEVE_LIMITS.redirects,
      sieveExtensions: SIEVE_CAPABILITIES,
      notificationMethods: ['mailto'],
      externalLists: null,
    }),
  },
  // RFC 9404 section 3
  [BLOB]: {
    ofAccount: ({ limits: { maxSizeUpload } }) => ({
      maxSizeBlobSet: maxSizeUpload,
      maxDataSources: MAX_DATA_SOURCES,
      supportedTypeNames: LOOKUP_TYPES,
      supportedDigestAlgorithms: Object.keys(DIGESTS),
    }),
  },
  // RFC 8887 section 3
  [WEBSOCKET]: {
    ofSession: (_, base) => ({ url: `${base.replace(/^http/, 'ws')}/jmap/ws`, supportsWebSocketPush: true }),
  },
  // RFC 9007 section 1.3
  [MDN]: { ofAccount: nothing },
  [SMIME_VERIFY]: { ofAccount: nothing },
}

/** The capabilities that the lab has. */
const offered = (): string[] => {
  const used = new Set([...methods.values()].map(({ capability }) => capability))
  return [...used, WEBSOCKET, ...(used.has(MAIL) ? [SMIME_VERIFY] : [])]
}

/** Returns whether a client may name a capability in `using`. */
export const isCapability = (name: string): boolean => offered().includes(name)

/** Returns the session object. RFC 8620 section 2. @param base the URL before the paths of JMAP */
export function sessionObject(facts: SessionFacts, base: string): JsonObject {
  const { id, account, address } = facts.account
  const capabilities: Record<string, JsonObject> = {}
  const accountCapabilities: Record<string, JsonObject> = {}
  for (const name of offered()) {
    const { ofSession = nothing, ofAccount = name in table ? undefined : nothing } = table[name] ?? {}
    capabilities[name] = ofSession(facts, base)
    if (ofAccount) accountCapabilities[name] = ofAccount(facts)
  }
  return {
    capabilities,
    accounts: { [id]: { name: address, isPersonal: true, isReadOnly: false, accountCapabilities } },
    primaryAccounts: Object.fromEntries(Object.keys(accountCapabilities).map((name) => [name, id])),
    username: account.user,
    apiUrl: `${base}/jmap/api`,
    downloadUrl: `${base}/jmap/download/{accountId}/{blobId}/{name}?type={type}`,
    uploadUrl: `${base}/jmap/upload/{accountId}`,
    eventSourceUrl: `${base}/jmap/eventsource?types={types}&closeafter={closeafter}&ping={ping}`,
    state: sessionState(facts),
  }
}

/** Returns the state of the session object: the same on every node, and by every name of the lab. */
export function sessionState({ account, limits, messageSize }: SessionFacts): string {
  const facts = JSON.stringify([account.id, account.address, limits, messageSize, offered()])
  return digestOf(facts)
}
