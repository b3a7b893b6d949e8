import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'
import { isBinary, readPackageFile } from '../../../core/files/package-files.ts'
import { clearTimeout, setTimeout } from '../../../core/time/real-timers.ts'

/** A computation of the thread: a function of hash-wasm and its options. */
type Computation =
  | { readonly name: 'bcryptVerify'; readonly options: { readonly password: Uint8Array; readonly hash: string } }
  | { readonly name: 'argon2i' | 'argon2id'; readonly options: Argon2Options }

interface Argon2Options {
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly parallelism: number
  readonly iterations: number
  readonly memorySize: number
  readonly hashLength: number
  readonly outputType: 'binary'
}

/** Runs one computation at a time, in the order of arrival. */
const THREAD = `
const { parentPort, workerData } = require('node:worker_threads')
let library = {}
if (workerData.source) new Function('exports', workerData.source)(library)
else library = require(workerData.library)
let last = Promise.resolve()
parentPort.on('message', ({ id, name, options }) => {
  last = last.then(() => library[name](options)).then(
    (result) => parentPort.postMessage({ id, result }),
    (error) => parentPort.postMessage({ id, error: String(error && error.message) }),
  )
})`

interface Answer {
  readonly id: number
  readonly result?: boolean | Uint8Array
  readonly error?: string
}

interface Waiting {
  readonly resolve: (result: boolean | Uint8Array) => void
  readonly reject: (error: Error) => void
}

/** How long an idle thread stays. It has the memory of its largest hash. */
const IDLE_MS = 10_000

let running: HashThread | undefined

/**
 * Computes in a thread of its own: bcrypt and Argon2 cannot be interrupted. All labs of the process share the thread, so that
 * many log-ons at the same time take one processor, and the memory of one hash.
 */
export const computeInThread = (computation: Computation): Promise<boolean | Uint8Array> => {
  running ??= new HashThread()
  return running.compute(computation)
}

class HashThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #idle: NodeJS.Timeout | undefined
  #last = 0

  constructor() {
    const workerData = isBinary
      ? { source: `${readPackageFile('hash-wasm.cjs')}` }
      : { library: createRequire(import.meta.url).resolve('hash-wasm') }
    this.#worker = new Worker(THREAD, { eval: true, workerData, stdin: false, env: {} })
    this.#worker.on('message', (answer: Answer) => this.#onAnswer(answer))
    this.#worker.on('error', (error) => this.#onEnd(error as Error))
    this.#worker.on('exit', () => this.#onEnd(new Error('the thread for password hashes has ended')))
  }

  compute(computation: Computation): Promise<boolean | Uint8Array> {
    clearTimeout(this.#idle)
    this.#worker.ref()
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, ...computation })
    })
  }

  #onAnswer({ id, result, error }: Answer): void {
    const { resolve, reject } = this.#waiting.get(id) as Waiting
    this.#waiting.delete(id)
    if (result === undefined) reject(new Error(`a password hash cannot be computed: ${error}`))
    else resolve(result)
    if (this.#waiting.size > 0) return
    this.#worker.unref()
    this.#idle = setTimeout(() => this.#stop(), IDLE_MS).unref()
  }

  #stop(): void {
    if (running === this) running = undefined
    void this.#worker.terminate()
  }

  #onEnd(error: Error): void {
    if (running === this) running = undefined
    clearTimeout(this.#idle)
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}
