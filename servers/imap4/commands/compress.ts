import { defineCommand } from '../command.ts'
import { done, no } from '../reply.ts'
import { loggedOn } from '../state.ts'

/** COMPRESS DEFLATE: everything behind the reply is compressed. RFC 4978. */
export const compress = defineCommand({
  name: 'COMPRESS',
  states: loggedOn,
  parse(cursor) {
    cursor.space()
    return cursor.keyword()
  },
  run({ connection }, _state, mechanism) {
    if (connection.compressed) throw no('compressed already', 'COMPRESSIONACTIVE')
    if (mechanism !== 'DEFLATE') throw no('DEFLATE is the only mechanism', 'CANNOT')
    return { ...done('compressed from here on'), after: () => connection.startCompression() }
  },
})
