import type { Socket } from 'node:net'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import type { Connection } from '../../src/net/connection.ts'
import type { SmtpEngine } from './engine.ts'
import { type ParsedPath, parsePath } from './path.ts'

/** The engine's reader of sockets, which has nothing to read here. */
const NO_PARSER = new SMTPStream()
/** ESMTP parameters of the extensions that are announced. */
const MAIL_PARAMETERS = new Set(['SIZE', 'BODY', 'SMTPUTF8', 'RET', 'ENVID', 'AUTH'])
const RCPT_PARAMETERS = new Set(['NOTIFY', 'ORCPT'])
const ENHANCED_CODE = /^[245]\.\d{1,3}\.\d{1,3} /

/**
 * The engine's connection without its socket handling: it is never initiated, reads nothing, and its replies become ours.
 * Every override has its test in `test/smtp/contract.test.ts`.
 */
export abstract class SmtpAdapter extends SMTPConnection {
  constructor(engine: SmtpEngine, { socket, record, local, remote }: Connection) {
    super(engine, socket as Socket, {
      id: record.id,
      localAddress: local.address,
      localPort: local.port,
      remoteAddress: remote.address,
      remotePort: remote.port,
    })
  }

  /** Says a reply of one line or several. */
  abstract reply(code: number, enhancedCode: string, text: string | readonly string[]): void

  /**
   * Replies go to our connection. A text may bring its own enhanced code, which the engine's errors have no room for; its
   * 421 means misuse, not a time-out.
   */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    const given = typeof data === 'string' && ENHANCED_CODE.exec(data)?.[0]
    if (given) this.reply(code, given.trimEnd(), data.slice(given.length))
    else this.reply(code, code === 421 ? '4.7.0' : this._getEnhancedStatusCode(code, context), data ?? '')
  }

  override _parseAddressCommand(name: string, command: Buffer | string): ParsedPath | false {
    const text = command.toString()
    const colon = text.indexOf(':')
    if (colon === -1 || text.slice(0, colon).trim().toUpperCase() !== name.toUpperCase()) return false
    return parsePath(text.slice(colon + 1)) ?? false
  }

  /** Parameters of extensions that are not announced are refused. RFC 5321 section 4.1.1.11. */
  override _rejectInvalidParams(parsed: ParsedPath, keys: string[], callback: () => void): boolean {
    const known = keys.includes('SIZE') ? MAIL_PARAMETERS : RCPT_PARAMETERS
    const unknown = Object.keys(parsed.args || {}).find((keyword) => !known.has(keyword))
    if (unknown === undefined) return super._rejectInvalidParams(parsed, keys, callback)
    this.reply(555, '5.5.4', `parameter ${unknown} not recognized`)
    callback()
    return true
  }

  override _createParser(): SMTPStream {
    return NO_PARSER
  }

  /** Our reader waits for a slow client before it takes the next line. */
  override _whenWritable(next: () => void): void {
    next()
  }
}
