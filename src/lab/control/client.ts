import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { type ControlAnswer, ControlError, type ControlRequest } from './messages.ts'

/**
 * Asks a running lab for something over its control socket; gives the items as they come.
 * @param path as `findSockets` gives it
 * @throws ControlError with the lab's own words, or when it does not answer to the end
 */
export async function* callLab(path: string, request: ControlRequest): AsyncGenerator<unknown, void, void> {
  const socket = connect(path)
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
    throw new ControlError('the running lab hung up in the middle of its answer')
  } finally {
    socket.destroy()
  }
}

/** The same for a verb that gives one item. @throws ControlError */
export async function askLab(path: string, request: ControlRequest): Promise<unknown> {
  const items: unknown[] = []
  for await (const item of callLab(path, request)) items.push(item)
  return items[0]
}
