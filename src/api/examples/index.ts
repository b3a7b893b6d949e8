import { authorityExamples } from './authorities.ts'
import { certificateExamples } from './certificates.ts'
import { configurationExamples } from './configuration.ts'
import { dnsExamples } from './dns.ts'
import type { Example, Examples } from './example.ts'
import { jobExamples } from './jobs.ts'
import { labExamples } from './lab.ts'
import { messageExamples } from './messages.ts'
import { newsExamples } from './news.ts'
import { outgoingExamples } from './outgoing.ts'

export type { Example }

/** An example of every operation. */
export const examples: Examples = {
  ...messageExamples,
  ...labExamples,
  ...certificateExamples,
  ...configurationExamples,
  ...authorityExamples,
  ...jobExamples,
  ...newsExamples,
  ...outgoingExamples,
  ...dnsExamples,
}
