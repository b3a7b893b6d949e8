import type { OutgoingEnvelope, RecipientResult } from '../types.ts'

/** An address that commands cannot hold for sure. RFC 5321 section 4.1.2 allows < and > in a quoted string. */
const UNSENDABLE = /[\r\n<>]|^\s+$/

/** Returns the results of the recipients that the client cannot send to, at any host. */
export function unsendable({ mailFrom, recipients }: OutgoingEnvelope): RecipientResult[] {
  const isSenderUnsendable = UNSENDABLE.test(mailFrom)
  return recipients.flatMap(({ address }) => {
    // RFC 3463 section 3.2: X.1.7 is the syntax of the sender's address, X.1.3 that of a recipient's.
    if (isSenderUnsendable) return [failed(address, '5.1.7', mailFrom)]
    return address === '' || UNSENDABLE.test(address) ? [failed(address, '5.1.3', address)] : []
  })
}

const failed = (address: string, enhancedCode: string, culprit: string): RecipientResult => ({
  address,
  kind: 'failed',
  enhancedCode,
  text: `the address ${culprit.replaceAll(/[\r\n]+/g, ' ')} cannot be sent: it contains <, > or a line end, or nothing`,
})
