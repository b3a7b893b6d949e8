import { inAnyState } from '../command.ts'
import { Pop3Error } from '../errors.ts'

/** QUIT: from a transaction by way of the UPDATE state. RFC 1939 sections 4 and 6. */
export const quit = inAnyState({
  name: 'QUIT',
  async run(session) {
    session.quit()
    if (session.state.name === 'authorization') return 'bye'
    const { maildrop } = session.state
    try {
      const removed = await maildrop.update()
      return removed === 0 ? 'bye' : `bye, ${removed} messages removed`
    } catch (error) {
      session.context.log.error({ session: session.connection.record.id, err: error }, 'UPDATE failed')
      throw new Pop3Error('some deleted messages are not removed', 'SYS/TEMP', { cause: error })
    } finally {
      maildrop.close()
    }
  },
})
