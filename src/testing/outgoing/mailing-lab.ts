import type { Lab } from '../../lab/lab.ts'
import { compose, type MessageDraft } from '../../mail/format/compose.ts'
import { Call } from '../calls/call.ts'
import type { Arrivals } from '../received/arrivals.ts'
import type { LabMessage } from '../received/message.ts'
import { Receiver } from '../received/receiver.ts'
import { type OutgoingArguments, type QueuedMail, type ReleaseOptions, TestOutgoing } from './outgoing.ts'
import { type BounceOptions, bounce, type ComplaintOptions, complain } from './reports.ts'

/** One or several user names or addresses. */
export type Recipients = string | readonly string[]

/** The envelope of a delivered message. */
export interface DeliverOptions {
  readonly to: Recipients
  /** The envelope's sender. Default: the null sender. */
  readonly from?: string
}

/** A lab as tests put mail into it, and as it sends mail to other hosts. */
export abstract class MailingLab extends Receiver {
  readonly #lab: Lab
  readonly #outgoing: TestOutgoing

  constructor(arrivals: Arrivals, lab: Lab) {
    super(arrivals, lab)
    this.#lab = lab
    this.#outgoing = new TestOutgoing(lab)
  }

  /**
   * Delivers a message to mailboxes, or to newsgroups by their addresses, without SMTP. Takes raw octets, or parts to
   * compose. As by SMTP, a Bcc field reaches only the recipients that it names.
   * @param to the recipients, or the envelope: `lab.deliver({ subject: 'Hi' }, 'bob')`, `{ to: ['bob'], from: 'a@lab.test' }`
   * @throws DeliveryError if a recipient does not exist or a newsgroup refuses the message; then no mailbox has it
   */
  async deliver(message: Buffer | string | MessageDraft, to: Recipients | DeliverOptions): Promise<void> {
    const call = new Call('deliver', MailingLab.prototype.deliver)
    if (typeof message !== 'string' && !Buffer.isBuffer(message)) call.check('draft', message, 'message')
    const options = typeof to === 'string' || Array.isArray(to) ? { to } : to
    call.check('deliverOptions', options, 'options')
    await this.#deliver(message, options as DeliverOptions)
  }

  async #deliver(message: Buffer | string | MessageDraft, { to, from = '' }: DeliverOptions): Promise<void> {
    const { directory, clock } = this.#lab
    const recipients = typeof to === 'string' ? [to] : to
    const addresses = recipients.map((name) => (name.includes('@') ? name : `${name}@${directory.domain}`))
    const raw =
      typeof message === 'string' || Buffer.isBuffer(message)
        ? Buffer.from(message as Buffer)
        : await compose({ to: addresses, ...message }, clock.now())
    await this.#lab.deliver({ from, to: recipients, raw })
  }

  /**
   * Sends a message to other hosts by a connector: `await lab.release(mail, { to: 'dev@example.test' })`. Resolves with the
   * messages that were queued. `waitForSent` waits until the next host has accepted them.
   * @throws OutgoingRefused if no connector takes it, or a list forbids a recipient; then nothing is queued
   */
  async release(message: LabMessage, options: ReleaseOptions = {}): Promise<readonly QueuedMail[]> {
    return this.#outgoing.release(new Call('release', MailingLab.prototype.release), message, options)
  }

  /**
   * Sends a bounce to the sender of a message: `await lab.bounce(mail, { code: '5.2.2', form: 'postfix' })`. Resolves once
   * the sender has it.
   * @throws DeliveryError if the sender has no mailbox; TypeError for wrong options
   */
  async bounce(message: LabMessage, options: BounceOptions = {}): Promise<void> {
    return bounce(this.#lab, new Call('bounce', MailingLab.prototype.bounce), message, options)
  }

  /** Sends a spam complaint (ARF, RFC 5965) to the sender of a message, as `bounce` sends a bounce. */
  async complain(message: LabMessage, options: ComplaintOptions = {}): Promise<void> {
    return complain(this.#lab, new Call('complain', MailingLab.prototype.complain), message, options)
  }

  /** Returns the mail that waits to be sent to other hosts, the oldest first. */
  queue(): readonly QueuedMail[] {
    return this.#outgoing.list()
  }

  /**
   * Resolves with the first message that another host has accepted, that matches, and that no wait has returned yet. It may
   * have been accepted before the call.
   * @throws WaitTimeout, which lists the results of the attempts and what waits; TypeError for a wrong filter
   */
  async waitForSent(...rest: OutgoingArguments): Promise<QueuedMail> {
    return this.#outgoing.wait(new Call('waitForSent', MailingLab.prototype.waitForSent), 'sent', rest)
  }

  /** Works like `waitForSent`, for an attempt after which the lab tries again. @throws WaitTimeout */
  async waitForDeferred(...rest: OutgoingArguments): Promise<QueuedMail> {
    return this.#outgoing.wait(new Call('waitForDeferred', MailingLab.prototype.waitForDeferred), 'deferred', rest)
  }

  /** Works like `waitForSent`, for a message that the lab has given up. @throws WaitTimeout */
  async waitForFailed(...rest: OutgoingArguments): Promise<QueuedMail> {
    return this.#outgoing.wait(new Call('waitForFailed', MailingLab.prototype.waitForFailed), 'failed', rest)
  }
}
