import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { type ControlAnswer, ControlError, type ControlRequest } from './messages.ts'

/**
 * Sends a request to a running lab over its control socket and yields the items of the answer as they arrive.
 * @param path a path from `findSockets`
 * @param signal ends the request; the lab then stops working on it
 * @throws ControlError with the lab's error message, or if the lab does not answer completely
 */
export async function* callLab(
  path: string,
  request: ControlRequest,
  signal?: AbortSignal,
): AsyncGenerator<unknown, void, void> {
  const socket = connect({ path, ...(signal ? { signal } : {}) })
  const failed = new Promise<never>((_, reject) => {
    socket.once('error', (error) => reject(new ControlError(`the running lab does not answer: ${error.message}`)))
  })
  failed.catch(() => {})
  try {
    await Promise.race([failed, new Promise<void>((resolve) => socket.once('connect', () => resolve()))])
    socket.write(`${JSON.stringify(request)}\n`)
    const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY })
    lines.on('error', () => {})
    for await (const line of lines) {
      const answer = JSON.parse(line) as ControlAnswer
      if ('done' in answer) return
      if ('error' in answer) throw new ControlError(answer.error)
      yield answer.item
    }
    throw new ControlError('the running lab closed the connection before its answer was complete')
  } finally {
    socket.destroy()
  }
}

/** Sends a request whose answer has one item, and returns it. @throws ControlError */
export async function askLab(path: string, request: ControlRequest, signal?: AbortSignal): Promise<unknown> {
  const items: unknown[] = []
  for await (const item of callLab(path, request, signal)) items.push(item)
  return items[0]
}
