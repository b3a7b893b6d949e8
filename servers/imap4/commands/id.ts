import { defineCommand } from '../command.ts'
import { bad, done } from '../reply.ts'
import { anyState } from '../state.ts'
import type { Cursor } from '../wire/cursor.ts'

/** ID: who is at the other end; for the record. RFC 2971. */
export const id = defineCommand({
  name: 'ID',
  states: anyState,
  parse(cursor) {
    cursor.space()
    return cursor.take('NIL') ? [] : fields(cursor)
  },
  run(session, _state, client) {
    if (client.length > 0) session.connection.record.note(`client: ${client.join(', ')}`)
    session.say('* ID ("name" "Sealpost")\r\n')
    return done('that is who')
  },
})

/** RFC 2971 section 3.3: at most 30 pairs, names of 30 octets, values of 1024. */
function fields(cursor: Cursor): string[] {
  const pairs: string[] = []
  const pair = (): void => {
    const name = cursor.string()
    cursor.space()
    const value = cursor.nstring()
    if (name.length > 30 || (value?.length ?? 0) > 1024 || pairs.length === 30) throw bad('too much in ID')
    if (value !== undefined) pairs.push(`${name}=${value}`)
  }
  cursor.list(pair, true)
  return pairs
}
