import type { ClientRequest, IncomingMessage } from 'node:http'

/**
 * Ends a request of the lab, and resolves with the answer. A request whose signal is aborted, or was before it began, emits an
 * error. Without a listener, which `once` has only while it waits, that would end the process.
 * @throws Error if there is no answer, or one that changes the protocol
 */
export const responseTo = (request: ClientRequest, body?: string | Buffer): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request.on('error', (error) => {
      // A host with several addresses: the error has no message.
      const reasons = error instanceof AggregateError ? (error.errors as Error[]) : [error]
      reject(
        reasons.length === 1 ? error : new Error(reasons.map(({ message }) => message).join('; '), { cause: error }),
      )
    })
    request.on('response', resolve)
    request.on('upgrade', (_, socket) => {
      socket.destroy()
      // RFC 9110 section 15.2.2: only for a client that has asked for it.
      reject(new Error('101 Switching Protocols, which the lab has not asked for'))
    })
    request.end(body)
  })
