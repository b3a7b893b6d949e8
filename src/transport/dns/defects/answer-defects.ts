import { type AnswerDefectName, answerDefectNames, type DnsDefect } from '../../../core/config/schema/dns.ts'
import { type Answer, emptyAnswer } from '../server/answer.ts'
import { concernsName } from './scope.ts'

/** An answer after defects were applied. */
interface DefectiveAnswer {
  readonly answer: Answer
  /** No response is sent. */
  readonly isSilent?: boolean
  /** By UDP, the response has the TC bit and no records. */
  readonly isTruncated?: boolean
  readonly delayMs?: number
}

type Apply = (answer: Answer, defect: DnsDefect) => DefectiveAnswer

const DEFAULT_DELAY_MS = 5_000

const authoritative = (rcode: Answer['rcode'], { authorities }: Answer): DefectiveAnswer => ({
  answer: {
    ...emptyAnswer(rcode),
    isAuthoritative: true,
    authorities: authorities.filter(({ type }) => type === 'SOA'),
  },
})

const effects: Readonly<Record<AnswerDefectName, Apply>> = {
  nxdomain: (answer) => authoritative('NXDOMAIN', answer),
  nodata: (answer) => authoritative('NOERROR', answer),
  servfail: () => ({ answer: emptyAnswer('SERVFAIL') }),
  refused: () => ({ answer: emptyAnswer('REFUSED') }),
  // A server that is named in NS records and does not have the zone.
  lame: () => ({ answer: emptyAnswer('NOERROR') }),
  slow: (answer, { delay = DEFAULT_DELAY_MS }) => ({ answer, delayMs: delay }),
  silent: (answer) => ({ answer, isSilent: true }),
  truncated: (answer) => ({ answer, isTruncated: true }),
}

const isOfAnswers = (name: string): name is AnswerDefectName => (answerDefectNames as readonly string[]).includes(name)

/** Applies the defects that concern a question, one after the other. */
export function defectiveAnswer(
  answer: Answer,
  defects: readonly DnsDefect[],
  { name, type }: { readonly name: string; readonly type: string },
): DefectiveAnswer {
  let result: DefectiveAnswer = { answer }
  for (const defect of defects) {
    if (!isOfAnswers(defect.defect) || !concernsName(defect, name)) continue
    if (defect.types && !defect.types.includes(type)) continue
    result = { ...result, ...effects[defect.defect](result.answer, defect) }
  }
  return result
}
