import { SmtpError } from './errors.ts'
import type { ParsedPath } from './path.ts'

/** What a parameter's value looks like, and how that is told; `none`: there must be no value. */
interface Parameter {
  readonly value: RegExp | 'none'
  readonly expected: string
}

type Parameters = Readonly<Record<string, Parameter>>

/** Parameters of MAIL that the announced extensions bring. */
export const mailParameters: Parameters = {
  SIZE: { value: /^\d{1,20}$/, expected: 'a number of octets' }, // RFC 1870 section 4
  BODY: { value: /^(?:7BIT|8BITMIME)$/i, expected: '7BIT or 8BITMIME' }, // RFC 6152 section 2
  SMTPUTF8: { value: 'none', expected: 'no value' }, // RFC 6531 section 3.4
  RET: { value: /^(?:FULL|HDRS)$/i, expected: 'FULL or HDRS' }, // RFC 3461 section 4.3
  ENVID: { value: /./s, expected: 'a value' }, // RFC 3461 section 4.4
  AUTH: { value: /./s, expected: 'a mailbox or <>' }, // RFC 4954 section 5
}

/** Parameters of RCPT. */
export const rcptParameters: Parameters = {
  // RFC 3461 section 4.1
  NOTIFY: {
    value: /^(?:NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*)$/i,
    expected: 'NEVER, or some of SUCCESS, FAILURE and DELAY',
  },
  ORCPT: { value: /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+;./is, expected: 'type;address' }, // RFC 3461 section 4.2
}

/**
 * Looks whether the parameters are among those known, each once and with the value it needs. RFC 5321 section 4.1.1.11.
 * @throws SmtpError
 */
export function checkParameters({ args, duplicate }: ParsedPath, known: Parameters): void {
  for (const [keyword, value] of Object.entries(args)) {
    const parameter = known[keyword]
    // Cut, since a reply line has 512 octets at most: RFC 5321 section 4.5.3.1.5
    if (!parameter) throw new SmtpError(555, '5.5.4', `parameter ${keyword.slice(0, 64)} not recognized`)
    const fits = parameter.value === 'none' ? value === true : value !== true && parameter.value.test(value)
    if (!fits) throw new SmtpError(501, '5.5.4', `${keyword} takes ${parameter.expected}`)
  }
  if (duplicate !== undefined) throw new SmtpError(501, '5.5.4', `${duplicate} is there twice`)
}
