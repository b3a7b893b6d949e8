import { randomUUID } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { MemoryBudget, MemoryReservation } from '../../core/octets/memory-budget.ts'
import { abortAfter } from '../../core/time/abort-after.ts'
import { systemClock } from '../../core/time/clock.ts'
import { idOnNode } from '../../core/values/node-ids.ts'
import { systemRoots } from '../../tls/pki/system-roots.ts'
import type { Caller } from '../caller.ts'
import type { ApiLab } from '../lab.ts'
import { responseTo } from '../response.ts'
import { remoteHost } from './remote-hosts.ts'

const MAX_IMAGES = 100
const MAX_CONCURRENT = 4
const MAX_REDIRECTS = 3
/** Octets of one image, and of all images of a message. */
const MAX_IMAGE_OCTETS = 2 * 1024 * 1024
const MAX_OCTETS = 8 * 1024 * 1024
/** Time of all requests of a message together. */
const TIMEOUT_MS = 15_000
/** Results that are kept, and how long. */
const MAX_KEPT = 8
const KEPT_MS = 10 * 60_000

/** The types that are shown, as the document names them. An SVG runs no script as an image. */
const TYPES = [
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/bmp',
  'image/svg+xml',
] as const

/** The result of a request for an image. */
interface RemoteResource {
  readonly url: string
  /** The HTTP status of the last answer; null without one. */
  readonly status: number | null
  readonly type: string | null
  readonly sizeOctets: number | null
  /** Why the image is not shown; null if it is. */
  readonly reason: string | null
}

interface Kept {
  readonly id: string
  readonly owner: string
  readonly message: string
  readonly images: ReadonlyMap<string, string>
  readonly memory: MemoryReservation
  /** Milliseconds since the epoch, by the clock of the machine. */
  readonly expiresAt: number
}

type RemoteLab = {
  readonly config: { readonly mail: Pick<ApiLab['config']['mail'], 'remoteContent'> }
  readonly certificateStore: Pick<ApiLab['certificateStore'], 'rootPem'>
  readonly intake: { readonly memory: MemoryBudget }
  readonly cluster: Pick<ApiLab['cluster'], 'node' | 'isShared'>
}

/** Returns a text that is the same for the requests of one caller. */
export const ownerOf = ({ role, name, tenant }: Caller): string => JSON.stringify([role, name, tenant?.name])

/** The octets that requests for one message have left. */
interface Room {
  octets: number
}

/** Fetches the remote images of messages, and keeps them for a short time for those who asked. */
export class RemoteContents {
  readonly #lab: RemoteLab
  #kept: Kept[] = []

  constructor(lab: RemoteLab) {
    this.#lab = lab
  }

  /**
   * Fetches images. Returns the result of each, and the id of the images that arrived.
   * @param owner whoever may see them
   * @param message the id of the message
   * @throws MemoryLimitReached
   */
  async fetch(urls: readonly string[], owner: string, message: string, signal: AbortSignal) {
    const memory = this.#lab.intake.memory.reservation('messages')
    try {
      // In base64, as a text.
      memory.grow(2 * MAX_OCTETS)
      const images = new Map<string, string>()
      const resources = await this.#fetchAll(urls, images, signal)
      let octets = 0
      for (const image of images.values()) octets += image.length
      memory.shrink(2 * MAX_OCTETS - octets)
      const { node, isShared } = this.#lab.cluster
      const id = idOnNode(randomUUID(), isShared ? node : undefined)
      const expiresAt = systemClock.now() + KEPT_MS
      this.#drop((one) => one.expiresAt <= systemClock.now())
      while (this.#kept.length >= MAX_KEPT) this.#drop((one) => one === this.#kept[0])
      this.#kept.push({ id, owner, message, images, memory, expiresAt })
      return { id, expiresAt, resources }
    } catch (error) {
      memory.release()
      throw error
    }
  }

  /** Returns images by their URLs; undefined if they are no longer kept, or belong to another caller or message. */
  get(id: string, owner: string, message: string): ReadonlyMap<string, string> | undefined {
    this.#drop((one) => one.expiresAt <= systemClock.now())
    return this.#kept.find((one) => one.id === id && one.owner === owner && one.message === message)?.images
  }

  clear(): void {
    this.#drop(() => true)
  }

  #drop(isMeant: (one: Kept) => boolean): void {
    const dropped = this.#kept.filter(isMeant)
    for (const { memory } of dropped) memory.release()
    this.#kept = this.#kept.filter((one) => !dropped.includes(one))
  }

  async #fetchAll(
    urls: readonly string[],
    images: Map<string, string>,
    signal: AbortSignal,
  ): Promise<RemoteResource[]> {
    using limit = abortAfter(TIMEOUT_MS, signal)
    const room: Room = { octets: MAX_OCTETS }
    const resources = urls.map((url) =>
      failedResource(url, `the lab fetches at most ${MAX_IMAGES} images of a message`),
    )
    let next = 0
    const work = async (): Promise<void> => {
      while (next < Math.min(urls.length, MAX_IMAGES)) {
        const at = next++
        const url = urls[at] as string
        resources[at] = await this.#fetchOne(url, images, room, limit.signal)
      }
    }
    await Promise.all(Array.from({ length: MAX_CONCURRENT }, work))
    return resources
  }

  async #fetchOne(url: string, images: Map<string, string>, room: Room, signal: AbortSignal): Promise<RemoteResource> {
    let status: number | null = null
    try {
      if (!URL.canParse(url)) throw new Error('it is not a URL')
      let target = new URL(url)
      for (let redirects = 0; ; redirects++) {
        const response = await this.#request(target, signal)
        // However it ends, nothing more is read of it.
        using _ = { [Symbol.dispose]: () => response.destroy() }
        status = response.statusCode ?? 0
        const { location } = response.headers
        if (status >= 300 && status < 400 && location !== undefined) {
          if (redirects === MAX_REDIRECTS) throw new Error(`more than ${MAX_REDIRECTS} redirects`)
          if (!URL.canParse(location, target.href)) throw new Error('it redirects to something that is not a URL')
          target = new URL(location, target)
          continue
        }
        if (status !== 200) throw new Error(`the server answers ${status}`)
        const type = typeOf(response)
        const octets = await bodyOf(response, room, signal)
        images.set(url, `data:${type};base64,${octets.toString('base64')}`)
        return { url, status, type, sizeOctets: octets.length, reason: null }
      }
    } catch (error) {
      const isLate = signal.reason?.name === 'TimeoutError'
      const reason = isLate ? `no answer within ${TIMEOUT_MS / 1000} s for all images` : (error as Error).message
      return { ...failedResource(url, reason), status }
    }
  }

  #request(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const { config, certificateStore } = this.#lab
    const options = {
      signal,
      agent: false as const,
      // No cookies, no Referer, and no compressed answers, of which few octets can become many.
      headers: { 'User-Agent': 'Sealpost', Accept: 'image/*', 'Accept-Encoding': 'identity' },
      ...remoteHost(url, config.mail.remoteContent ?? []),
    }
    return responseTo(
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ca: [certificateStore.rootPem, ...systemRoots()] })
        : httpRequest(url, options),
    )
  }
}

const failedResource = (url: string, reason: string): RemoteResource => ({
  url,
  status: null,
  type: null,
  sizeOctets: null,
  reason,
})

/** Returns the type of an answer as the table has it. @throws Error for anything but an image */
function typeOf({ headers }: IncomingMessage): (typeof TYPES)[number] {
  const given = (headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  const type = TYPES.find((one) => one === given)
  if (type === undefined) throw new Error(`${JSON.stringify(given.slice(0, 100))} is not a type of image that is shown`)
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? 'identity'
  if (encoding !== 'identity') throw new Error('the answer is compressed, which the lab has not asked for')
  return type
}

/** @throws Error if the body is too long, or ends early */
async function bodyOf(response: IncomingMessage, room: Room, signal: AbortSignal): Promise<Buffer> {
  const pieces: Buffer[] = []
  let octets = 0
  for await (const piece of response as AsyncIterable<Buffer>) {
    signal.throwIfAborted()
    octets += piece.length
    room.octets -= piece.length
    if (octets > MAX_IMAGE_OCTETS) throw new Error(`the image has more than ${MAX_IMAGE_OCTETS} octets`)
    if (room.octets < 0) throw new Error(`the images together have more than ${MAX_OCTETS} octets`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}
