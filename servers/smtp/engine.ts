import { SMTPServer } from 'smtp-server'
import type { ServerContext } from '../service.ts'
import { SmtpError } from './errors.ts'
import { resolveRecipient } from './recipients.ts'

type Address = Parameters<SMTPServer['onMailFrom']>[0]
type Session = Parameters<SMTPServer['onMailFrom']>[1]
type Done = Parameters<SMTPServer['onMailFrom']>[2]

/**
 * The `smtp-server` of one virtual server. It never listens and has no TLS of its own: sessions hand their lines to it. It
 * knows the commands' grammar and order; what they do is decided here and in `commands/`.
 */
export class SmtpEngine extends SMTPServer {
  readonly context: ServerContext

  constructor(context: ServerContext) {
    super({
      name: context.hostname,
      banner: 'Sealpost',
      size: context.config.limits.messageSize,
      maxRecipients: context.config.limits.recipients,
      // Who must log on, and where, is decided before a line reaches the engine.
      authOptional: true,
      hideENHANCEDSTATUSCODES: false,
      hideDSN: false,
      logger: false,
    })
    this.context = context
  }

  /** No certificate of its own, least of all the built-in one. */
  override updateSecureContext(): void {}

  override onMailFrom(address: Address, session: Session, done: Done): void {
    done(refusal(() => needsSmtpUtf8(address.address, session)))
  }

  override onRcptTo(address: Address, session: Session, done: Done): void {
    done(
      refusal(() => {
        needsSmtpUtf8(address.address, session)
        resolveRecipient(this.context, address.address)
      }),
    )
  }
}

/** What `check` throws, as the engine wants it: the text carries the enhanced code (see `SmtpSession.send`). */
function refusal(check: () => void): (Error & { responseCode: number }) | null {
  try {
    check()
    return null
  } catch (error) {
    if (!(error instanceof SmtpError)) throw error
    return Object.assign(new Error(`${error.enhancedCode} ${error.message}`), { responseCode: error.code })
  }
}

const NOT_ASCII = /[^\x20-\x7e]/

/** RFC 6531 section 3.3: such an address needs the SMTPUTF8 parameter. */
function needsSmtpUtf8(address: string, { envelope }: Session): void {
  if (NOT_ASCII.test(address) && !envelope.smtpUtf8) {
    throw new SmtpError(553, '5.6.7', 'This address needs the SMTPUTF8 parameter of MAIL')
  }
}
