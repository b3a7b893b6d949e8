import { chmod, unlink } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { type ControlAnswer, ControlError, type ControlRequest, type ControlVerbs } from './messages.ts'

/** The socket by which its owner, and nobody else, tells a running lab what to do. */
export class ControlServer implements AsyncDisposable {
  readonly path: string
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(path: string, verbs: ControlVerbs) {
    this.path = path
    this.#server = createServer((socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // A client that hangs up in the middle of an answer concerns nobody else.
      socket.on('error', () => socket.destroy())
      serve(socket, verbs)
    })
  }

  /** @throws ControlError when the socket cannot be made */
  static async open(path: string, verbs: ControlVerbs): Promise<ControlServer> {
    const control = new ControlServer(path, verbs)
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

function serve(socket: Socket, verbs: ControlVerbs): void {
  const gone = new AbortController()
  socket.on('close', () => gone.abort())
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
  // It hands on the socket's errors, which are dealt with there.
  lines.on('error', () => {})
  lines.once('line', (line) => {
    void answer(line, verbs, gone.signal, (said) => socket.write(`${JSON.stringify(said)}\n`)).then(() => socket.end())
  })
}

async function answer(
  line: string,
  verbs: ControlVerbs,
  signal: AbortSignal,
  say: (answer: ControlAnswer) => void,
): Promise<void> {
  try {
    const { verb, args = {} } = JSON.parse(line) as ControlRequest
    const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
    if (!run) throw new ControlError(`this lab does not know "${verb}"; is it of another version?`)
    const result = run(args, signal)
    if (Symbol.asyncIterator in result) for await (const item of result) say({ item })
    else say({ item: await result })
    say({ done: true })
  } catch (error) {
    say({ error: (error as Error).message })
  }
}
