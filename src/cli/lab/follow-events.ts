import { callLab } from '../../lab/control/client.ts'
import { ControlError } from '../../lab/control/messages.ts'
import { ApiError, type ApiOptions, answerOf, apiUrl, request, socketOf } from '../shared/api-client.ts'

/** An event of the lab. */
interface LabEvent {
  /** `connected` is the first: no event after it is missed. */
  readonly event: string
  readonly data: unknown
}

/**
 * Yields the events with these names as they happen, until the lab stops.
 * @throws ApiError if the lab refuses it; Error if the connection is lost
 */
export async function* followEvents(options: ApiOptions, types: string): AsyncGenerator<LabEvent> {
  yield* options.url === undefined ? overSocket(options, types) : overHttp(options, types)
}

async function* overSocket(options: ApiOptions, types: string): AsyncGenerator<LabEvent> {
  let isConnected = false
  try {
    for await (const one of callLab(await socketOf(options), { verb: 'events', args: { types } })) {
      isConnected = true
      yield one as LabEvent
    }
  } catch (error) {
    // A lab that stops closes its socket.
    if (!isConnected || !(error instanceof ControlError)) throw error
  }
}

async function* overHttp(options: ApiOptions, types: string): AsyncGenerator<LabEvent> {
  const url = apiUrl(options, `/events?types=${types}`)
  const end = new AbortController()
  try {
    const response = await request(options, url, { signal: end.signal })
    if (!response.ok || !response.body) {
      const { problem } = await answerOf(response, url)
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
