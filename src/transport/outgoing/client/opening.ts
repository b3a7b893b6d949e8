import {
  type Extensions,
  enhancedCodeOf,
  extensionsOf,
  isPositive,
  type Reply,
  replyText,
} from '../../../net/client/smtp.ts'
import type { HostResult, NextHop } from '../types.ts'
import { connectTo } from './connect.ts'
import { notSecured, PeerFailure, unusable } from './failure.ts'
import { PeerFaults } from './faults.ts'
import { requirementText, type SecureOptions, secure } from './secure.ts'
import type { ClientServices, Destination } from './services.ts'
import { SmtpDialog } from './smtp-dialog.ts'
import { levels } from './tls-level.ts'

/** A connection on which the host has answered EHLO or LHLO, under the TLS that its level asks for. */
export interface OpenedPeer {
  readonly dialog: SmtpDialog
  readonly hop: NextHop
  readonly protocol: Destination['protocol']
  readonly session: string
  readonly extensions: Extensions
  /** For TLS reports. */
  readonly host: HostResult
}

/**
 * Connects to a host: greeting, EHLO, and TLS as its level asks. If TLS fails at level `may`, connects again in clear text.
 * @throws PeerFailure; nothing but EHLO and STARTTLS was sent then
 */
export async function openPeer(to: Destination, services: ClientServices, signal: AbortSignal): Promise<OpenedPeer> {
  try {
    return await open(to, services, signal)
  } catch (error) {
    const isOptional = levels[to.hop.tls].tries && !levels[to.hop.tls].requires && to.hop.implicitTls !== true
    if (!isOptional || !(error instanceof TlsFailed)) throw error instanceof TlsFailed ? error.failure : error
    const peer = await open({ ...to, isWithoutTls: true }, services, signal)
    return { ...peer, host: error.failure.host ?? peer.host }
  }
}

/** A failed handshake, which level `may` survives. */
class TlsFailed extends Error {
  override readonly name = 'TlsFailed'
  readonly failure: PeerFailure
  constructor(failure: PeerFailure) {
    super(failure.message, { cause: failure })
    this.failure = failure
  }
}

async function open(to: Destination, services: ClientServices, signal: AbortSignal): Promise<OpenedPeer> {
  const opening = await Opening.begin(to, services, signal)
  try {
    return await opening.run()
  } catch (error) {
    throw opening.failed(error)
  }
}

/** The steps until mail can be sent. */
class Opening {
  readonly #to: Destination
  readonly #services: ClientServices
  readonly #signal: AbortSignal
  readonly #dialog: SmtpDialog
  readonly #faults: PeerFaults
  /** From STARTTLS or an implicit handshake to the next reply: a failure counts as one of TLS. */
  #countsAsTls = false
  /** The problem with TLS that the level allows. */
  #problem: Pick<HostResult, 'failure' | 'text'> = {}
  #remoteName: string | undefined

  private constructor(
    to: Destination,
    services: ClientServices,
    signal: AbortSignal,
    dialog: SmtpDialog,
    faults: PeerFaults,
  ) {
    this.#to = to
    this.#services = services
    this.#signal = signal
    this.#dialog = dialog
    this.#faults = faults
  }

  static async begin(to: Destination, services: ClientServices, signal: AbortSignal): Promise<Opening> {
    const { socket, recorder } = await connectTo(to, services, signal)
    const faults = services.faults?.open({
      protocol: to.protocol,
      virtualServer: to.connector,
      session: recorder.record,
      direction: 'out',
      reset: () => {
        socket.resetAndDestroy()
      },
    })
    const injected = new PeerFaults(faults, recorder)
    return new Opening(to, services, signal, new SmtpDialog(socket, recorder, injected, services.timeouts), injected)
  }

  run(): Promise<OpenedPeer> {
    return this.#dialog.until(this.#signal, () => this.#steps())
  }

  async #steps(): Promise<OpenedPeer> {
    const { hop, protocol } = this.#to
    if (hop.implicitTls) await this.#secure(await this.#credentials())
    const greeting = await this.#dialog.greeting()
    // RFC 5321 section 3.1: 554 also means that another host may take the mail.
    if (greeting.code !== 220) throw refusal(greeting, 'greeting')
    let extensions = await this.#hello()
    if (!this.#dialog.isSecure && levels[hop.tls].tries && !this.#to.isWithoutTls) {
      if (extensions.has('STARTTLS')) extensions = await this.#startTls()
      else this.#withoutTls()
    }
    const session = this.#dialog.record.id
    return { dialog: this.#dialog, hop, protocol, session, extensions, host: this.#hostResult() }
  }

  /** @throws PeerFailure if the level requires TLS */
  #withoutTls(): void {
    const { hop } = this.#to
    const failure = 'starttls-not-supported'
    if (levels[hop.tls].requires) {
      throw notSecured(`${requirementText(hop)} is not fulfilled by ${hop.host}: it does not offer STARTTLS`, failure)
    }
    this.#problem = { failure, text: `${hop.host} does not offer STARTTLS` }
  }

  #hostResult(failure?: PeerFailure): HostResult {
    const { hop, address } = this.#to
    return {
      hop,
      ...(failure?.tls === undefined ? this.#problem : { failure: failure.tls, text: failure.message }),
      remoteAddress: address,
      localAddress: this.#dialog.localAddress,
      ...(this.#remoteName === undefined ? {} : { remoteName: this.#remoteName }),
    }
  }

  /** Ends the session, and returns why it failed. */
  failed(error: unknown): Error {
    const { record, failure: ended } = this.#dialog
    const failure = error instanceof PeerFailure ? error : unusable(error)
    failure.session = record.id
    // A mistake of the lab says nothing about the host.
    if (failure === error) failure.host = this.#hostResult(failure)
    // The host's refusals are recorded already.
    if (failure.code === undefined) record.refused(failure.message)
    this.#dialog.fail(failure)
    record.end(this.#countsAsTls ? 'handshake failed' : ended ? 'connection lost' : 'client closed')
    return this.#countsAsTls ? new TlsFailed(failure) : failure
  }

  async #hello(): Promise<Extensions> {
    const name = this.#services.hostname()
    const isLmtp = this.#to.protocol === 'lmtp'
    // RFC 2033 section 4.1
    const reply = await this.#dialog.ask(`${isLmtp ? 'LHLO' : 'EHLO'} ${name}`)
    this.#remoteName = /^250[ -](\S+)/.exec(reply.lines[0] ?? '')?.[1]
    if (isPositive(reply)) return extensionsOf(reply)
    if (isLmtp) throw refusal(reply, 'LHLO')
    // RFC 5321 section 3.2
    const older = await this.#dialog.ask(`HELO ${name}`)
    if (!isPositive(older)) throw refusal(older, 'HELO')
    return new Map()
  }

  async #startTls(): Promise<Extensions> {
    const credentials = await this.#credentials()
    this.#countsAsTls = true
    const { hop } = this.#to
    const reply = await this.#dialog.ask('STARTTLS')
    if (reply.code !== 220)
      throw notSecured(`${hop.host} refused STARTTLS: ${replyText(reply)}`, 'starttls-not-supported')
    await this.#secure(credentials)
    // Some hosts refuse the lab's certificate only now. RFC 3207 section 4.2: EHLO again.
    const extensions = await this.#hello()
    this.#countsAsTls = false
    return extensions
  }

  /** Loads the roots and the lab's certificate. A mistake in them is no failure of TLS, and must not lead to clear text. */
  async #credentials() {
    const { hop, certificate } = this.#to
    const { roots, identity } = this.#services
    return {
      roots: await roots(hop.authority),
      identity: certificate === undefined ? undefined : await identity(certificate),
    }
  }

  async #secure(credentials: Pick<SecureOptions, 'roots' | 'identity'>): Promise<void> {
    const isImplicit = !this.#countsAsTls
    this.#countsAsTls = true
    const { hop } = this.#to
    const { timeouts, now } = this.#services
    const options = {
      ...credentials,
      hop,
      now,
      record: this.#dialog.record,
      faults: this.#faults,
      signal: this.#signal,
      timeoutMs: timeouts.handshakeMs,
    }
    await this.#dialog.startTls(async (raw) => {
      const { socket, verdict } = await secure(raw, options)
      if (verdict.problem) this.#problem = verdict.problem
      return socket
    })
    if (isImplicit) this.#countsAsTls = false
  }
}

/** Returns a temporary failure: if a host refuses with 5xx, another one may take the mail. Postfix tries again as well. */
const refusal = (reply: Reply, command: string): PeerFailure => {
  const given = enhancedCodeOf(reply)
  return new PeerFailure(
    `the host answered ${command === 'greeting' ? 'the connection' : command} with ${replyText(reply)}`,
    {
      code: reply.code,
      // RFC 7504 section 3: 521 says that the host never takes mail.
      enhancedCode: reply.code === 521 ? '5.3.2' : given?.startsWith('4') ? given : '4.3.2',
    },
  )
}
