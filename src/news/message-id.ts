import { randomBytes } from 'node:crypto'

/** RFC 3977 section 3.6: 3 to 250 octets, printable ASCII between `<` and `>`. */
const FORM = /^<[!-=?-~]{1,248}>$/
/** RFC 5536 section 3.1.3: a left and a right side, and no `<` or `>` inside. */
const STRICT = /^<[!-;=?-~]+@[!-;=?-~]+>$/

/** Whether a command's argument has the form of a message-id. */
export const hasMessageIdForm = (text: string): boolean => FORM.test(text)

/** Whether an article can have this Message-ID. */
export const isMessageId = (text: string): boolean => FORM.test(text) && STRICT.test(text)

/** A new one. RFC 5536 section 3.1.3. */
export const newMessageId = (host: string): string => `<${randomBytes(12).toString('hex')}@${host}>`
