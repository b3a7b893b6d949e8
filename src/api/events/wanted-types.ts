import { eventNames } from '../../core/config/schema/event-names.ts'
import { ApiProblem } from '../problem.ts'

/**
 * Parses `message,session.refused`: names of events, or the words before their dot. Without names: every event but `log`,
 * as each request can cause a line of the log. @throws ApiProblem `bad-request`
 */
export function wantedTypes(types = ''): (name: string) => boolean {
  const wanted = types.split(',').filter((one) => one !== '')
  if (wanted.length === 0) return (name) => name !== 'log'
  const isMeant = (name: string, one: string): boolean => name === one || name.startsWith(`${one}.`)
  const unknown = wanted.find((one) => !eventNames.some((name) => isMeant(name, one)))
  if (unknown !== undefined) {
    throw new ApiProblem('bad-request', `types: ${unknown} is unknown; there are: ${eventNames.join(', ')}`)
  }
  return (name) => name === 'lab.stopping' || wanted.some((one) => isMeant(name, one))
}
