import { callLab } from '../../lab/control/client.ts'
import { ControlError } from '../../lab/control/messages.ts'
import { type ApiOptions, apiUrl, readAnswer, request, socketOf } from '../shared/api-client.ts'
import { ApiError } from '../shared/failure.ts'

/** An event of the lab. */
interface LabEvent {
  /** `connected` is the first: no event after it is missed. */
  readonly event: string
  readonly data: unknown
}

/**
 * Yields the events with these names as they happen, until the lab stops.
 * @param signal ends it
 * @throws ApiError if the lab refuses it; Error if the connection is lost
 */
export async function* followEvents(
  options: ApiOptions,
  types: string,
  signal?: AbortSignal,
): AsyncGenerator<LabEvent> {
  yield* options.url === undefined ? followOverSocket(options, types, signal) : followOverHttp(options, types, signal)
}

async function* followOverSocket(
  options: ApiOptions,
  types: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<LabEvent> {
  let isConnected = false
  try {
    for await (const one of callLab(await socketOf(options), { verb: 'events', args: { types } }, signal)) {
      isConnected = true
      yield one as LabEvent
    }
  } catch (error) {
    // A lab that stops closes its socket.
    if (!isConnected || !(error instanceof ControlError)) throw error
  }
}

async function* followOverHttp(
  options: ApiOptions,
  types: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<LabEvent> {
  const url = apiUrl(options, `/events?types=${types}`)
  const end = new AbortController()
  try {
    const signals = [end.signal, ...(signal ? [signal] : [])]
    const response = await request(options, url, { signal: AbortSignal.any(signals) })
    if (!response.ok || !response.body) {
      const { problem } = await readAnswer(response, url)
      throw problem ? new ApiError(problem) : new Error(`${url.origin} answers ${response.status} without events`)
    }
    yield { event: 'connected', data: null }
    let event = ''
    // https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
    for await (const line of linesOf(response.body)) {
      if (line.startsWith('event: ')) event = line.slice('event: '.length)
      else if (line.startsWith('data: ')) yield { event, data: JSON.parse(line.slice('data: '.length)) }
    }
  } finally {
    end.abort()
  }
}

/** @throws Error if the connection is lost */
async function* linesOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const octets of body) {
      const lines = (text + decoder.decode(octets, { stream: true })).split('\n')
      text = lines.pop() ?? ''
      yield* lines
    }
  } catch (error) {
    throw new Error(`the connection to the lab was lost: ${(error as Error).message}`, { cause: error })
  }
}
