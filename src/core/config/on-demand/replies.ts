/** A refusal: the reply code, the enhanced status code, and the text. */
export interface Refusal {
  readonly code: number
  readonly status: string
  readonly text: string
}

/**
 * The meanings of enhanced status codes, from IANA's registry, with the reply code that servers send with them. Sisimai, which
 * reads bounces by their words, takes each for what it is, in the form of qmail too.
 */
const REFUSALS: readonly Refusal[] = [
  { code: 550, status: '5.1.1', text: 'No such user here' },
  { code: 550, status: '5.1.2', text: 'The domain of the recipient does not exist' },
  { code: 553, status: '5.1.3', text: 'The address of the recipient is not valid' },
  { code: 551, status: '5.1.6', text: 'The mailbox has moved' },
  { code: 550, status: '5.1.8', text: 'The address of the sender is not valid' },
  { code: 556, status: '5.1.10', text: 'The domain of the recipient accepts no mail (null MX)' },
  { code: 550, status: '5.2.1', text: 'The mailbox is disabled' },
  { code: 552, status: '5.2.2', text: 'The mailbox is full' },
  { code: 552, status: '5.2.3', text: 'The message is too large for the mailbox' },
  { code: 554, status: '5.3.0', text: 'Internal system error' },
  { code: 552, status: '5.3.4', text: 'The message is too large' },
  { code: 554, status: '5.4.4', text: 'The host of the recipient cannot be found' },
  { code: 554, status: '5.4.6', text: 'Too many hops' },
  { code: 554, status: '5.4.7', text: 'The message expired before it could be delivered' },
  { code: 554, status: '5.6.0', text: 'The content of the message is refused' },
  { code: 550, status: '5.7.0', text: 'Local policy violation' },
  { code: 554, status: '5.7.1', text: 'Delivery not authorized, message refused' },
  { code: 550, status: '5.7.23', text: 'SPF validation failed' },
  { code: 550, status: '5.7.25', text: 'Reverse DNS validation failed' },
  { code: 550, status: '5.7.26', text: 'Multiple authentication checks failed' },
  { code: 550, status: '5.7.27', text: 'The sender accepts no mail (null MX)' },
  { code: 450, status: '4.2.0', text: 'The mailbox is not available now' },
  { code: 450, status: '4.2.1', text: 'The mailbox receives too much mail now' },
  { code: 452, status: '4.2.2', text: 'The mailbox is full' },
  { code: 451, status: '4.3.0', text: 'The mail system failed, try again later' },
  { code: 452, status: '4.3.1', text: 'The mail system has no room' },
  { code: 421, status: '4.3.2', text: 'The mail system is not available now' },
  { code: 421, status: '4.4.1', text: 'The host does not answer' },
  { code: 421, status: '4.4.2', text: 'The connection was lost' },
  { code: 451, status: '4.4.3', text: 'The name server does not answer' },
  { code: 451, status: '4.4.7', text: 'The message expired before it could be delivered' },
  { code: 451, status: '4.7.0', text: 'The message is deferred for security reasons' },
  { code: 451, status: '4.7.1', text: 'Greylisted, try again later' },
  { code: 450, status: '4.7.25', text: 'Reverse DNS validation failed' },
]

/** The enhanced status code of a reply code that is given alone. Other reply codes get x.0.0. */
const USUAL: Readonly<Record<string, string>> = {
  '421': '4.4.2',
  '450': '4.2.0',
  '451': '4.3.0',
  '452': '4.2.2',
  '550': '5.1.1',
  '551': '5.1.6',
  '552': '5.2.2',
  '553': '5.1.3',
  '554': '5.7.1',
  '556': '5.1.10',
}

const REPLY_CODE = /^[45][0-5]\d$/
const STATUS = /^([45])\.\d{1,3}\.\d{1,3}$/

/** Returns the refusal that a reply code (550) or an enhanced status code (5.1.1) stands for; undefined if it is neither. */
export function refusalOf(code: string): Refusal | undefined {
  if (REPLY_CODE.test(code)) {
    const status = USUAL[code] ?? `${code[0]}.0.0`
    return { code: Number(code), status, text: defaultText(status) }
  }
  const [, digit] = STATUS.exec(code) ?? []
  if (digit === undefined) return undefined
  return (
    REFUSALS.find(({ status }) => status === code) ?? {
      code: Number(`${digit}50`),
      status: code,
      text: defaultText(code),
    }
  )
}

const defaultText = (status: string): string =>
  REFUSALS.find((each) => each.status === status)?.text ??
  (status.startsWith('4') ? 'The message is deferred' : 'The message is refused')
