import { chmod, unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import {
  type ControlAnswer,
  ControlError,
  type ControlRequest,
  type ControlStreams,
  type ControlVerbs,
} from './messages.ts'

/** The socket through which the owner of a running lab controls it. Other users have no access. */
export class ControlServer implements AsyncDisposable {
  readonly path: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(path: string, verbs: ControlVerbs, streams: ControlStreams) {
    this.path = path
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // A client that disconnects during an answer must not affect others.
      socket.on('error', () => socket.destroy())
      serve(socket, verbs, streams)
    })
  }

  /** Opens the socket. @throws ControlError if it cannot be created */
  static async open(path: string, verbs: ControlVerbs, streams: ControlStreams = {}): Promise<ControlServer> {
    const control = new ControlServer(path, verbs, streams)
    await unlink(path).catch(() => {})
    await new Promise<void>((resolve, reject) => {
      control.#server.once('error', (error) => reject(new ControlError(`control socket: ${error.message}`)))
      control.#server.listen(path, () => resolve())
    })
    await chmod(path, 0o600)
    return control
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

function serve(socket: Socket, verbs: ControlVerbs, streams: ControlStreams): void {
  const gone = new AbortController()
  socket.on('close', () => gone.abort())
  const send = (message: ControlAnswer): void => void socket.write(`${JSON.stringify(message)}\n`)
  onRequest(socket, (line, rest) => {
    try {
      const { verb, args = {} } = parseRequest(line)
      const stream = Object.hasOwn(streams, verb) ? streams[verb] : undefined
      if (stream) return startStream(socket, stream(args), rest, send)
      // Nothing else is expected. Reading goes on, so that the end of the client is noticed.
      socket.resume()
      void answerRequest(verb, args, verbs, gone.signal, send).then(() => socket.end())
    } catch (error) {
      send({ error: (error as Error).message })
      socket.resume()
      socket.end()
    }
  })
}

/** Hands the connection over to another protocol, which gets what the client has already sent. */
function startStream(
  socket: Socket,
  { item, serve: serveStream }: ReturnType<ControlStreams[string]>,
  rest: Buffer,
  send: (message: ControlAnswer) => void,
): void {
  send({ item })
  send({ done: true })
  socket.allowHalfOpen = true
  if (rest.length > 0) socket.unshift(rest)
  serveStream(socket)
}

function parseRequest(line: string | undefined): ControlRequest {
  if (line === undefined) throw new ControlError('the request is too long')
  return JSON.parse(line) as ControlRequest
}

/** Longest request. `forget` can name every session of the log. */
const MAX_REQUEST_OCTETS = 1024 * 1024
const LF = 0x0a

/** Calls `handle` with the first line, or undefined if it is too long, and what arrived after it. */
function onRequest(socket: Socket, handle: (line: string | undefined, rest: Buffer) => void): void {
  const chunks: Buffer[] = []
  let octets = 0
  const onData = (chunk: Buffer): void => {
    const end = chunk.indexOf(LF)
    const part = end === -1 ? chunk : chunk.subarray(0, end)
    octets += part.length
    chunks.push(part)
    if (end === -1 && octets <= MAX_REQUEST_OCTETS) return
    socket.off('data', onData)
    socket.pause()
    const rest = end === -1 ? Buffer.alloc(0) : chunk.subarray(end + 1)
    handle(octets <= MAX_REQUEST_OCTETS ? Buffer.concat(chunks).toString() : undefined, rest)
  }
  socket.on('data', onData)
}

async function answerRequest(
  verb: string,
  args: Readonly<Record<string, unknown>>,
  verbs: ControlVerbs,
  signal: AbortSignal,
  send: (answer: ControlAnswer) => void,
): Promise<void> {
  try {
    const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
    if (!run) throw new ControlError(`unknown request "${verb}": the running lab may have another version of Sealpost`)
    const result = run(args, signal)
    if (Symbol.asyncIterator in result) for await (const item of result) send({ item })
    else send({ item: await result })
    send({ done: true })
  } catch (error) {
    send({ error: (error as Error).message })
  }
}
