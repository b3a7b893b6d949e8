import { Duplex } from 'node:stream'

/** The first record that a server answers a ClientHello with. */
type Answer =
  | { readonly kind: 'hello'; readonly suite: number }
  | { readonly kind: 'alert'; readonly alert: number }
  | { readonly kind: 'closed' }

const ALERT = 21
const HANDSHAKE = 22
/** Where the length of the session id stands: after record header, message header, version and random. */
const SESSION_ID_AT = 5 + 4 + 2 + 32

/**
 * Gives some octets to a server over a stream in memory, and returns its answer. Closes the stream then.
 * @param serve starts the server on the stream
 */
export function askServer(serve: (raw: Duplex) => void, octets: Buffer): Promise<Answer> {
  return new Promise((resolve) => {
    let sent: Buffer = Buffer.alloc(0)
    const raw = new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, done) {
        sent = Buffer.concat([sent, chunk])
        const answer = answerOf(sent)
        done()
        if (answer) finish(answer)
      },
      final(done) {
        done()
        finish({ kind: 'closed' })
      },
      destroy(error, done) {
        done(error)
        finish({ kind: 'closed' })
      },
    })
    const finish = (answer: Answer): void => {
      // The server may be in the middle of a write. A caller that asks in a loop must give the event loop a turn too:
      // otherwise no stream is closed before the end of the loop.
      setImmediate(() => {
        raw.destroy()
        resolve(answer)
      })
    }
    raw.on('error', () => {})
    serve(raw)
    raw.push(octets)
  })
}

function answerOf(sent: Buffer): Answer | undefined {
  if (sent[0] === ALERT && sent.length >= 7) return { kind: 'alert', alert: sent[6] as number }
  if (sent[0] !== HANDSHAKE || sent.length <= SESSION_ID_AT) return undefined
  const suiteAt = SESSION_ID_AT + 1 + (sent[SESSION_ID_AT] as number)
  return sent.length < suiteAt + 2 ? undefined : { kind: 'hello', suite: sent.readUInt16BE(suiteAt) }
}
