/** The automatic reply of an account. RFC 8621 section 8. */
export interface Vacation {
  readonly isEnabled: boolean
  /** `2026-12-24T00:00:00Z`. Null: no limit. */
  readonly fromDate: string | null
  readonly toDate: string | null
  /** Null: the subject of the message, with a prefix. */
  readonly subject: string | null
  readonly textBody: string | null
  readonly htmlBody: string | null
}

const DEFAULT_TEXT = 'I am away and will answer your message when I am back.'

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`

/** Returns a script that sends the reply, and does nothing else. RFC 5230, RFC 5260. */
export function vacationScript({ fromDate, toDate, subject, textBody, htmlBody }: Vacation): string {
  const tests = [
    ...(fromDate === null ? [] : [['ge', fromDate] as const]),
    ...(toDate === null ? [] : [['lt', toDate] as const]),
  ].map(([relation, date]) => `currentdate :zone "+0000" :value "${relation}" "iso8601" "${date}"`)
  const title = subject === null ? '' : ` :subject ${quoted(subject)}`
  const reply = `vacation${title}${htmlBody === null ? '' : ' :mime'} ${quoted(vacationBody(textBody, htmlBody))};`
  return [
    'require ["vacation", "date", "relational"];',
    ...(tests.length > 0 ? [`if allof(${[...tests, 'true'].join(', ')}) {`, `  ${reply}`, '}'] : [reply]),
    '',
  ].join('\r\n')
}

function vacationBody(text: string | null, html: string | null): string {
  if (html === null) return text ?? DEFAULT_TEXT
  const htmlPart = partOf('text/html', html)
  if (text === null) return htmlPart
  const boundary = '=_vacation'
  const parts = [partOf('text/plain', text), htmlPart].map((part) => `--${boundary}\r\n${part}\r\n`)
  return `Content-Type: multipart/alternative; boundary="${boundary}"\r\n\r\n${parts.join('')}--${boundary}--\r\n`
}

const partOf = (type: string, content: string): string =>
  `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(content)
    .toString('base64')
    .replaceAll(/.{76}/g, '$&\r\n')}`
