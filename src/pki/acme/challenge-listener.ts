import { createServer } from 'node:http'
import { listen } from '../../common/listen.ts'
import { PkiError } from '../errors.ts'

const PREFIX = '/.well-known/acme-challenge/'

/** The answers of http-01 challenges, on a listener that is there only as long as an order. RFC 8555 section 8.3. */
export interface ChallengeListener extends AsyncDisposable {
  set(token: string, answer: string): void
  delete(token: string): void
}

/** @throws PkiError `refused` where the port cannot be opened */
export async function openChallengeListener(address: string, port: number): Promise<ChallengeListener> {
  const answers = new Map<string, string>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    const answer = path.startsWith(PREFIX) ? answers.get(path.slice(PREFIX.length)) : undefined
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/octet-stream' }).end(answer)
  })
  try {
    // The authority that could not be accepted asks again, or says that nothing answered.
    await listen(server, { host: address, port }, () => {})
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    const why = code === 'EACCES' ? 'ports below 1024 are for root; send port 80 on to --http-port' : message
    throw new PkiError('refused', `the http-01 listener on ${address} port ${port} cannot be opened: ${why}`, { cause })
  }
  return {
    set: (token, answer) => void answers.set(token, answer),
    delete: (token) => void answers.delete(token),
    async [Symbol.asyncDispose]() {
      await new Promise((closed) => {
        server.close(closed)
        server.closeAllConnections()
      })
    },
  }
}
