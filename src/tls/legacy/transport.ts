import type { Duplex } from 'node:stream'
import { clearTimeout, setTimeout } from '../../core/time/real-timers.ts'
import { type AlertLevel, type AlertName, alertLevels, alertName, encodeAlert, LegacyTlsError } from './alerts.ts'
import { HEARTBEAT_RECORD, overreadHeartbeat } from './heartbeat.ts'
import { noProtection, type Protection } from './protection.ts'
import { contentTypes, MAX_CONTENT_OCTETS, type RawRecord, RecordReader, recordHeader } from './record.ts'
import { type LegacyVersion, legacyVersions } from './suites.ts'

/** A record's content, decrypted and authenticated. */
export interface RecordContent {
  readonly contentType: number
  readonly content: Buffer
}

/** Consecutive empty records that a client may send. OpenSSL 0.9.8 sends one before each record with content. */
const MAX_EMPTY_RECORDS = 32
/** How long the connection stays open for a client to read its alert. */
const LINGER_MS = 1_000
/** Unread octets above which the socket is paused. */
const MAX_HELD_OCTETS = 64 * 1024
/** Consecutive warnings that are ignored. */
const MAX_WARNINGS = 5

/** Sends and receives records over a raw socket, with the negotiated protection. */
export class RecordTransport {
  readonly raw: Duplex
  readonly reader = new RecordReader()
  /** Version in the records sent. */
  version: LegacyVersion = 'TLSv1'
  /** Whether every received record must have this version. */
  versionNegotiated = false
  input: Protection = noProtection
  output: Protection = noProtection
  /** Callback for octets that arrive, and for the peer's close. */
  onInput: () => void = () => {}
  /** Whether the peer has closed its side, or the connection is closed. */
  ended = false
  #emptyRecords = 0
  #warnings = 0

  constructor(raw: Duplex) {
    this.raw = raw
    // The client may have left while the engine was loaded; no event follows then.
    this.ended = raw.destroyed
    raw.on('data', this.#onData)
    raw.on('end', this.#onEnd)
    raw.on('close', this.#onEnd)
    raw.on('error', this.#onEnd)
    // `peekClientHello` left it paused.
    raw.resume()
  }

  readonly #onData = (chunk: Buffer): void => {
    this.reader.push(chunk)
    // A slow reader leaves the rest in the socket; `take` resumes it.
    if (this.reader.heldOctets > MAX_HELD_OCTETS) this.raw.pause()
    this.onInput()
  }
  readonly #onEnd = (): void => {
    this.ended = true
    this.onInput()
  }

  /**
   * Sends the error's alert, if it has one, and closes. Waits for the client's close for a short time, because an
   * immediate close could discard the alert in a reset. Resolves when the connection is closed.
   */
  fail(error: unknown): Promise<void> {
    this.raw.off('data', this.#onData)
    this.onInput = () => {}
    const alert = error instanceof LegacyTlsError ? error.alert : 'internal_error'
    if (alert) this.writeAlert('fatal', alert)
    return new Promise((resolve) => {
      if (this.raw.destroyed) return resolve()
      const linger = setTimeout(() => this.raw.destroy(), LINGER_MS)
      this.raw.once('close', () => {
        clearTimeout(linger)
        resolve()
      })
      if (this.raw.readableEnded) this.raw.end(() => this.raw.destroy())
      else {
        this.raw.once('end', () => this.raw.destroy())
        this.raw.resume()
        this.raw.end()
      }
    })
  }

  /**
   * Returns the next record other than ignored warnings, or undefined when it is not complete yet.
   * @returns 'closed' after close_notify
   * @throws LegacyTlsError for a record that is malformed or not authentic, and for a fatal alert
   */
  take(): RecordContent | 'closed' | undefined {
    for (;;) {
      const record = this.reader.take()
      if (!record) {
        if (this.raw.isPaused()) this.raw.resume()
        return undefined
      }
      this.#checkVersion(record)
      const content = this.input.open(record.contentType, record.fragment)
      if (!content) throw new LegacyTlsError('bad_record_mac', 'a record is not authentic')
      if (content.length > MAX_CONTENT_OCTETS) throw new LegacyTlsError('record_overflow', 'a record is too long')
      this.#checkEmpty(record.contentType, content)
      if (record.contentType === HEARTBEAT_RECORD) {
        this.#answerHeartbeat(content)
        continue
      }
      if (record.contentType !== contentTypes.alert) {
        this.#warnings = 0
        return { contentType: record.contentType, content }
      }
      if (this.#isClose(content)) return 'closed'
    }
  }

  /** Accepts heartbeats: a defect. */
  acceptHeartbeats(): void {
    this.reader.highestType = HEARTBEAT_RECORD
  }

  #answerHeartbeat(request: Buffer): void {
    const response = overreadHeartbeat(request)
    if (response) this.write(HEARTBEAT_RECORD, response)
  }

  #checkVersion({ contentType, version }: RawRecord): void {
    if (!this.versionNegotiated || version === legacyVersions[this.version]) return
    // An unencrypted alert may have the version that the client would prefer.
    if (contentType === contentTypes.alert && this.input === noProtection) return
    throw new LegacyTlsError('illegal_parameter', `a record of version 0x${version.toString(16)}`)
  }

  #checkEmpty(contentType: number, content: Buffer): void {
    if (content.length > 0) this.#emptyRecords = 0
    else if (contentType !== contentTypes.applicationData || ++this.#emptyRecords > MAX_EMPTY_RECORDS) {
      throw new LegacyTlsError('unexpected_message', 'too many records without content')
    }
  }

  /** Returns true for close_notify, false for a warning to ignore. @throws LegacyTlsError for a fatal alert */
  #isClose(content: Buffer): boolean {
    if (content.length !== 2) throw new LegacyTlsError('decode_error', `an alert of ${content.length} octets`)
    const name = alertName(content[1] as number)
    if (name === 'close_notify') return true
    if (content[0] !== alertLevels.warning) {
      throw new LegacyTlsError(undefined, `the client sent the alert ${name}`, content[1])
    }
    if (++this.#warnings > MAX_WARNINGS) throw new LegacyTlsError('unexpected_message', 'too many warnings')
    return false
  }

  /** Sends content in as many records as needed. Calls `done` when the socket has accepted the last one. */
  write(contentType: number, content: Buffer, done?: (error?: Error | null) => void): void {
    this.raw.cork()
    let at = 0
    if (contentType === contentTypes.applicationData && this.output.splitsFirstOctet && content.length > 1) {
      this.#writeRecord(contentType, content.subarray(0, 1))
      at = 1
    }
    do {
      const end = Math.min(content.length, at + MAX_CONTENT_OCTETS)
      this.#writeRecord(contentType, content.subarray(at, end), end === content.length ? done : undefined)
      at = end
    } while (at < content.length)
    this.raw.uncork()
  }

  writeAlert(level: AlertLevel, name: AlertName): void {
    if (!this.raw.writable) return
    this.write(contentTypes.alert, encodeAlert(level, name, this.version))
  }

  #writeRecord(contentType: number, content: Buffer, done?: (error?: Error | null) => void): void {
    const fragment = this.output.seal(contentType, content)
    this.raw.write(recordHeader(contentType, legacyVersions[this.version], fragment.length))
    this.raw.write(fragment, done)
  }
}
