import { bad } from '../reply.ts'
import type { Session } from '../session.ts'
import type { Cursor } from './cursor.ts'
import { knownUids, type NumberRange } from './numbers.ts'

/** What a client remembers of a mailbox. RFC 7162 section 3.2.5. */
export interface Resync {
  readonly uidValidity: number
  readonly modSeq: number
  readonly known?: readonly NumberRange[]
}

export interface SelectParameters {
  readonly condstore?: true
  readonly resync?: Resync
}

/** `(CONDSTORE)`, `(QRESYNC (…))`. RFC 7162 section 7. */
export function selectParameters(cursor: Cursor, session: Session): SelectParameters {
  let parameters: SelectParameters = {}
  cursor.list(() => {
    const name = cursor.keyword()
    if (name === 'CONDSTORE') parameters = { ...parameters, condstore: true }
    else if (name === 'QRESYNC' && session.enabled.has('QRESYNC'))
      parameters = { ...parameters, resync: resync(cursor, session) }
    else if (name === 'QRESYNC')
      throw bad('ENABLE QRESYNC first') // RFC 7162 section 3.2.5
    else throw bad(`unknown parameter ${name}`)
  })
  return parameters
}

function resync(cursor: Cursor, session: Session): Resync {
  cursor.space()
  cursor.expect('(')
  const uidValidity = cursor.nzNumber()
  cursor.space()
  const modSeq = cursor.number64()
  let known: NumberRange[] | undefined
  if (cursor.take(' ')) {
    if (cursor.ahead !== '(') known = knownUids(cursor)
    if (known === undefined || cursor.take(' ')) matchData(cursor, session)
  }
  cursor.expect(')')
  return { uidValidity, modSeq, ...(known ? { known } : {}) }
}

/** Sequence numbers and uids that belong together: a help to servers that forget expunges, which this one does not. */
function matchData(cursor: Cursor, session: Session): void {
  // RFC 9586 section 3
  if (session.enabled.has('UIDONLY')) throw bad('sequence numbers may not be used now', 'UIDREQUIRED')
  cursor.expect('(')
  knownUids(cursor)
  cursor.space()
  knownUids(cursor)
  cursor.expect(')')
}
