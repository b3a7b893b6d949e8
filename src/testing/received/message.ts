import type { Directory } from '../../accounts/directory/types.ts'
import type { UnsubscribeAnswer } from '../../api/messages/unsubscribe.ts'
import type { SessionRecord } from '../../core/sessions/types.ts'
import { runInSlices } from '../../core/time/time-slice.ts'
import type { Finding } from '../../mail/checks/findings.ts'
import type { MessageAuthentication } from '../../mail/format/authentication-results.ts'
import { type MessageJson, ReadableMessage, VIEW_CHARS } from '../../mail/format/readable.ts'
import type { SmimeResult } from '../../mail/smime/smime.ts'
import type { SmimeFacts } from '../../mail/smime/types.ts'
import { accountOf } from '../../storage/store/folder.ts'
import { Call } from '../calls/call.ts'
import { type Arrival, ownRecipients } from './arrivals.ts'
import type { PreviewOptions } from './preview.ts'

/** The facts about a delivered message that its octets do not contain. */
export interface MessageFacts {
  /** MAIL FROM and RCPT TO; the header may differ. */
  readonly envelope: { readonly from: string; readonly to: readonly string[] }
  /** The envelope's recipients who received this copy. */
  readonly recipients: readonly string[]
  /** The account whose mailbox holds it; undefined for captured mail to other domains. */
  readonly user: string | undefined
  /** The mailbox that holds it now. */
  readonly folder: string
  readonly uid: number
  readonly flags: readonly string[]
  /** The time of arrival by the lab's clock. */
  readonly receivedAt: Date
  /** The session that delivered it; undefined for `lab.deliver`, and once the session log has dropped the session. */
  readonly session: SessionRecord | undefined
  /**
   * SPF, DKIM, DMARC, ARC and BIMI, by the records that the lab knows: on arrival, or once a wait or a list returns the message.
   * Undefined only with `mail.authentication: { check: off }`.
   */
  readonly authentication: MessageAuthentication | undefined
  /** Signatures and encryption; undefined if it is not an S/MIME message. */
  readonly smime: SmimeResult | undefined
}

/** The signatures and the encryption of a message, and the message with what was encrypted or enclosed in a signature. */
export interface Smime extends SmimeFacts {
  /** Undefined if it is readable as it is, or stays closed. */
  readonly opened: ReadableMessage | undefined
}

/** A delivered message as JSON shows it. */
export type LabMessageJson = MessageJson &
  Omit<MessageFacts, 'session' | 'smime'> & {
    readonly session: string | undefined
    readonly smime: SmimeFacts | undefined
  }

/** Unsubscribes the recipient of a message. */
type PostsUnsubscribe = (message: LabMessage) => Promise<UnsubscribeAnswer>

/** A delivered message. Its parts are decoded when first read. */
export class LabMessage extends ReadableMessage implements Omit<MessageFacts, 'smime'> {
  readonly #smime: SmimeResult | undefined
  readonly #post: PostsUnsubscribe
  readonly envelope: MessageFacts['envelope']
  readonly recipients: readonly string[]
  readonly user: string | undefined
  readonly folder: string
  readonly uid: number
  readonly flags: readonly string[]
  readonly receivedAt: Date
  readonly session: SessionRecord | undefined
  /** Undefined if it is not an S/MIME message. */
  readonly smime: Smime | undefined
  /**
   * SPF, DKIM, DMARC, ARC and BIMI, by the records that the lab knows. Every message of a wait or a list has it, also without
   * records; undefined only with `mail.authentication: { check: off }`.
   */
  readonly authentication: MessageAuthentication | undefined

  /** @param post lets the lab of the message unsubscribe its recipient */
  constructor(raw: Buffer, facts: MessageFacts, post: PostsUnsubscribe) {
    super(raw)
    this.#post = post
    this.envelope = facts.envelope
    this.recipients = facts.recipients
    this.user = facts.user
    this.folder = facts.folder
    this.uid = facts.uid
    this.flags = facts.flags
    this.receivedAt = facts.receivedAt
    this.session = facts.session
    this.#smime = facts.smime
    this.smime = facts.smime && {
      ...facts.smime.facts,
      opened: facts.smime.opened && new ReadableMessage(Buffer.from(facts.smime.opened)),
    }
    this.authentication = facts.authentication
  }

  /** Returns what JSON shows: the readable parts, and the facts with the id of the session. */
  override toJSON(): LabMessageJson {
    const { session, smime, ...facts } = this.facts
    return { ...super.toJSON(), ...facts, session: session?.id, smime: smime?.facts }
  }

  /** Returns what is wrong with the message, at most 100 findings of each check, as the HTTP API does. */
  async check(): Promise<Finding[]> {
    // Most tests never need the data of the checks.
    const { checkMessage } = await import('../../mail/checks/checks.ts')
    const html = (this.html ?? '').slice(0, VIEW_CHARS)
    return runInSlices(checkMessage({ message: this, html, authentication: this.authentication ?? null }))
  }

  /**
   * Returns a picture of the message in Chromium as a PNG. Remote content is not loaded, and no script runs.
   * @throws Error if Playwright or its browser is not installed
   */
  async preview(options: PreviewOptions = {}): Promise<Buffer> {
    const { previewOf } = await import('./preview.ts')
    return previewOf(new Call('preview', LabMessage.prototype.preview), this, options)
  }

  /**
   * Unsubscribes the recipient as a mail program does at one click: the lab sends the POST of RFC 8058 to the https URL of
   * List-Unsubscribe, which must be on this machine or a host of `webhooks`. Resolves with the answer, whatever its status.
   * @throws Error if the message has no one-click, or the server does not answer
   */
  async unsubscribe(): Promise<UnsubscribeAnswer> {
    const call = new Call('unsubscribe', LabMessage.prototype.unsubscribe)
    try {
      return await this.#post(this)
    } catch (error) {
      const reason = (error as Error).message.replace(/^unsubscribe: /, '')
      throw call.at(new Error(`unsubscribe: ${reason}`, { cause: error }))
    }
  }

  /** All facts except the octets, as plain data. */
  get facts(): MessageFacts {
    const { envelope, recipients, user, folder, uid, flags, receivedAt, session, authentication } = this
    return { envelope, recipients, user, folder, uid, flags, receivedAt, session, authentication, smime: this.#smime }
  }
}

/** Collects the facts about a message from its arrival and the session that delivered it. */
export function receivedFacts(
  { entry, folder, owner }: Arrival,
  directory: Directory,
  session: SessionRecord | undefined,
  smime: SmimeResult | undefined,
): MessageFacts {
  const user = accountOf({ owner })
  const to = entry.envelope?.rcptTo ?? []
  return {
    envelope: { from: entry.envelope?.mailFrom ?? '', to },
    recipients: ownRecipients(to, user, directory),
    user,
    folder: folder.name,
    uid: entry.uid,
    flags: entry.flags,
    receivedAt: new Date(entry.savedAt),
    session,
    smime,
    authentication: entry.envelope?.authentication,
  }
}

/** An article of a newsgroup. Its parts are decoded when first read. */
export class LabArticle extends ReadableMessage {
  /** Its number in the group. */
  readonly number: number

  constructor(number: number, raw: Buffer) {
    super(raw)
    this.number = number
  }

  /** Returns what JSON shows: the readable parts, and the number. */
  override toJSON(): MessageJson & { readonly number: number } {
    return { number: this.number, ...super.toJSON() }
  }
}

/** @throws TypeError if a call got something else than a delivered message */
export function checkMessage(call: Call, message: unknown): asserts message is LabMessage {
  if (!(message instanceof LabMessage)) throw call.mistake('message must be one of lab.waitForMessage or lab.messages')
}
