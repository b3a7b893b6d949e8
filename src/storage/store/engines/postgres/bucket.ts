import type { Logger } from 'pino'
import { SIGNATURE_V4, sha256Hex, signatureV4 } from '../../../../core/network/signature-v4.ts'
import { GrowingBuffer } from '../../../../core/octets/growing-buffer.ts'
import { delay, now, performance } from '../../../../core/time/real-timers.ts'

/** Where a bucket of S3, or of a service with its interface, is. */
export interface BucketSettings {
  /** URL of the service, without a path. */
  readonly s3: string
  readonly bucket: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey?: string | undefined
  /** The names of all objects begin with it. */
  readonly prefix: string
}

export interface BucketLimits {
  /** How long one request may take. */
  readonly attemptMs: number
  /** How long a request may take with its repetitions. */
  readonly totalMs: number
}

export interface ListedObject {
  readonly name: string
  /** Time since it was written, by the clock of the service. */
  readonly ageMs: number
}

/** The length and the hash of an object when it was written. */
export interface ObjectCheck {
  readonly octets: number
  /** In hex. */
  readonly sha256: string
}

const LIMITS: BucketLimits = { attemptMs: 10_000, totalMs: 30_000 }
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 5_000
/** Octets of an answer that is not an object. A list of 1,000 objects has fewer. */
const MAX_ANSWER = 4 << 20
const MAX_LISTED = 1_000
/** Characters of an error text of the service. It appears in the log and in replies to clients. */
const MAX_ERROR = 200
const HEALTH_MS = 3_000
const TEMPORARY: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

/** The error of a request to the object storage. */
export class BucketError extends Error {
  override readonly name = 'BucketError'
  readonly isTemporary: boolean
  /** Whether only one object is concerned: it is missing or damaged. */
  readonly isOfObject: boolean

  constructor(message: string, { isTemporary = false, isOfObject = false, cause }: BucketErrorOptions = {}) {
    super(message, { cause })
    this.isTemporary = isTemporary
    this.isOfObject = isOfObject
  }
}

interface BucketErrorOptions extends ErrorOptions {
  readonly isTemporary?: boolean
  readonly isOfObject?: boolean
}

interface Call {
  readonly method: 'HEAD' | 'GET' | 'PUT' | 'DELETE'
  /** Undefined: the bucket. */
  readonly name?: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/**
 * Objects in a bucket. Requests are repeated after errors that may pass, up to a time limit. Every method
 * @throws BucketError
 */
export class Bucket {
  readonly #settings: BucketSettings
  readonly #limits: BucketLimits
  readonly #log: Logger | undefined
  #failure: string | undefined

  constructor(settings: BucketSettings, log?: Logger, limits: BucketLimits = LIMITS) {
    this.#settings = settings
    this.#log = log
    this.#limits = limits
  }

  /** Writes an object. The service compares it with its hash. */
  async put(name: string, octets: Buffer): Promise<void> {
    await this.#request({ method: 'PUT', name, body: octets }, answerOf)
  }

  /** Reads an object and compares it with what was written. */
  get(name: string, { octets, sha256 }: ObjectCheck): Promise<Buffer> {
    return this.#request({ method: 'GET', name }, async (response) => {
      const found = await octetsOf(response, octets, GrowingBuffer.withRoom(octets))
      if (found.length === octets && sha256Hex(found) === sha256) return found
      throw new BucketError('its octets are not those that were written', { isTemporary: true, isOfObject: true })
    })
  }

  /** Removes an object, if it exists. */
  async remove(name: string): Promise<void> {
    await this.#request({ method: 'DELETE', name }, answerOf)
  }

  /** Returns up to 1,000 objects in the order of their names. @param after the name of the one before them */
  list(prefix: string, after: string): Promise<ListedObject[]> {
    const query = { 'list-type': '2', prefix, ...(after !== '' && { 'start-after': after }) }
    return this.#request({ method: 'GET', query }, async (response) => {
      const objects = listedIn(await answerOf(response), Date.parse(response.headers.get('date') ?? '') || now())
      const last = objects.at(-1)
      // Otherwise a list would follow without end.
      if (last && last.name <= after) throw new BucketError('its list has objects before those that were asked for')
      return objects
    })
  }

  /** Returns why the bucket cannot be used; undefined if it can. Asks once, and briefly. */
  async failure(): Promise<string | undefined> {
    await this.#once({ method: 'HEAD' }, answerOf, HEALTH_MS).then(
      () => this.#note(undefined),
      (error: BucketError) => this.#note(error),
    )
    return this.#failure
  }

  /** Writes, reads and removes an object, to find out what the keys allow. */
  async probe(): Promise<void> {
    const octets = Buffer.from('sealpost')
    const name = `${this.#settings.prefix}probe-${now()}`
    await this.put(name, octets)
    await this.get(name, { octets: octets.length, sha256: sha256Hex(octets) })
    await this.list(this.#settings.prefix, '')
    await this.remove(name)
  }

  async #request<T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    const { attemptMs, totalMs } = this.#limits
    const end = performance.now() + totalMs
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        const result = await this.#once(call, read, Math.min(attemptMs, end - performance.now()))
        this.#note(undefined)
        return result
      } catch (error) {
        const failure = error as BucketError
        // Nodes that fail together should not try again together.
        const pause = pauseMs * (0.5 + Math.random() / 2)
        if (!failure.isTemporary || performance.now() + pause >= end) {
          this.#note(failure)
          throw failure
        }
        await delay(pause)
      }
    }
  }

  async #once<T>(call: Call, read: (response: Response) => Promise<T>, ms: number): Promise<T> {
    try {
      const { url, headers } = this.#signed(call)
      const response = await fetch(url, {
        method: call.method,
        headers,
        redirect: 'manual',
        signal: AbortSignal.timeout(Math.max(1, Math.ceil(ms))),
        ...(call.body && { body: call.body as Uint8Array<ArrayBuffer> }),
      })
      if (response.ok) return await read(response)
      throw refusalOf(response.status, await answerOf(response))
    } catch (error) {
      if (error instanceof BucketError) throw error
      const { name, message, cause } = error as Error
      const why =
        name === 'TimeoutError' ? 'it does not answer in time' : ((cause as Error | undefined)?.message ?? message)
      throw new BucketError(why, { isTemporary: true, cause: error })
    }
  }

  #signed({ method, name = '', query = {}, body }: Call): { url: string; headers: Record<string, string> } {
    const { s3, bucket, region, accessKeyId, secretAccessKey = '' } = this.#settings
    // The names need no encoding. S3 signs the path as it is sent.
    const url = new URL(`/${bucket}${name && `/${name}`}`, s3)
    const pairs = Object.entries(query).map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    const contentHash = sha256Hex(body ?? '')
    const time = new Date(now()).toISOString().replaceAll(/[-:]|\.\d+/g, '')
    const headers = [
      ['host', url.host],
      ['x-amz-content-sha256', contentHash],
      ['x-amz-date', time],
    ] as const
    const scope = `${time.slice(0, 8)}/${region}/s3/aws4_request`
    const request = { method, path: url.pathname, query: pairs.join('&'), headers, contentHash, time, scope }
    const names = headers.map(([key]) => key).join(';')
    const signature = signatureV4(request, secretAccessKey)
    const authorization = `${SIGNATURE_V4} Credential=${accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`
    // The client writes the header Host itself.
    const { host: _, ...sent } = Object.fromEntries(headers)
    url.search = request.query
    return { url: url.href, headers: { ...sent, authorization } }
  }

  /** Notes whether the bucket works. Logs only changes. */
  #note(error: BucketError | undefined): void {
    if (error?.isOfObject) return
    const { s3, bucket } = this.#settings
    const before = this.#failure
    this.#failure = error && `the bucket ${bucket} at ${s3} cannot be used: ${error.message}`
    if (error && before === undefined) this.#log?.error({ err: error }, 'the object storage of the message store fails')
    if (!error && before !== undefined) this.#log?.info('the object storage of the message store works again')
  }
}

function refusalOf(status: number, answer: string): BucketError {
  const [code, message] = [errorElementOf(answer, 'Code'), errorElementOf(answer, 'Message')]
  const isOfObject = code === 'NoSuchKey'
  const text = isOfObject ? 'the object does not exist' : [`status ${status}`, code, message].filter(Boolean).join(', ')
  return new BucketError(text, { isTemporary: TEMPORARY.has(status), isOfObject })
}

const elementOf = (text: string, name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? ''

/** Returns an element of an error, as one line. */
const errorElementOf = (answer: string, name: string): string =>
  elementOf(answer, name)
    .slice(0, MAX_ERROR)
    .replaceAll(/[^ -~]+/g, ' ')

/** Returns the objects in a list of a bucket. @param nowMs the time of the service */
export const listedIn = (answer: string, nowMs: number): ListedObject[] =>
  answer
    .split('<Contents>', MAX_LISTED + 1)
    .slice(1)
    .map((entry) => ({ name: elementOf(entry, 'Key'), ageMs: nowMs - Date.parse(elementOf(entry, 'LastModified')) }))

const answerOf = async (response: Response): Promise<string> => (await octetsOf(response, MAX_ANSWER)).toString()

/** Reads an answer to its end. Its pieces may be of one octet each. @throws BucketError if it is longer than expected */
async function octetsOf(response: Response, most: number, buffer = new GrowingBuffer()): Promise<Buffer> {
  for await (const piece of response.body ?? []) {
    if (buffer.length + piece.length > most) throw new BucketError('its answer is too long', { isTemporary: true })
    buffer.append(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength))
  }
  return buffer.octets
}
