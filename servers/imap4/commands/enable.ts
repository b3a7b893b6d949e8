import { type Extension, extensions } from '../capabilities.ts'
import { defineCommand } from '../command.ts'
import { done } from '../reply.ts'
import { loggedOn } from '../state.ts'

/** ENABLE capability… RFC 5161; RFC 9051 section 6.3.1. What is not known is passed over. */
export const enable = defineCommand({
  name: 'ENABLE',
  states: loggedOn,
  parse(cursor) {
    const names: string[] = []
    do {
      cursor.space()
      names.push(cursor.keyword())
    } while (!cursor.atEnd)
    return names
  },
  run(session, _state, names) {
    const fresh = extensions.filter(
      (extension) => names.includes(extension.toUpperCase()) && !session.enabled.has(extension),
    )
    for (const extension of fresh) session.enabled.add(extension)
    for (const implied of fresh.flatMap((extension) => implications[extension] ?? [])) session.enabled.add(implied)
    session.say(`* ENABLED${fresh.map((extension) => ` ${extension}`).join('')}\r\n`)
    return done('enabled')
  },
})

/** RFC 7162 section 3.2.3. */
const implications: Partial<Record<Extension, readonly Extension[]>> = { QRESYNC: ['CONDSTORE'] }
