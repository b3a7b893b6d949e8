import { seededRandom } from '../../../src/core/values/random.ts'

const WORDS = `account address agreement amount answer appointment archive attached balance before begin board
  book booking budget building calendar campaign cancel careful change charge check choose city client close colleague
  comment company complete confirm contract copy cost customer damage date deadline decision delay deliver department
  deposit design detail discount document draft early email employee engine entrance estimate event example expense
  feedback finance finish forward friend garden goods group guest holiday house idea inform interest invoice issue item
  journey kitchen label later launch letter level library list local lunch machine manager market meeting member message
  minute money month morning museum network newsletter notice number offer office opinion order package paper partner
  password payment people period person plan please position post prepare price print problem process product project
  proposal purchase question quick rate reason receipt receive record refund regards reminder rent repair reply report
  request reserve result review room safety sale schedule school season second section security send service session
  shipping shop signature simple sorry staff station status stock store street student subject support system team
  ticket today tomorrow tool total track train travel update user vacation value version visit voucher warranty week
  welcome window winter work world write year yesterday Größe Übersicht façade naïve crème`.split(/\s+/)
const PEOPLE = ['Alice', 'Bob', 'Carol', 'Dave', 'Eve', 'Frank', 'Grace', 'Heidi', 'Ivan', 'Judy']
const COMPANIES = ['shop', 'bank', 'school', 'museum', 'station']
/** A word of one message in a hundred. */
export const RARE_WORD = 'zeppelin'

/**
 * Returns messages as an application under test sends them: texts of 1 to 4 KB, a third with an HTML part, one in ten with
 * a file of 6 KB, from 50 senders. The same count always gives the same messages.
 */
export function inboxOf(count: number): Buffer[] {
  const random = seededRandom(18)
  const below = (limit: number): number => Math.floor(random() * limit)
  const oneOf = (list: readonly string[]): string => list[below(list.length)] as string
  const words = (howMany: number): string[] => Array.from({ length: howMany }, () => oneOf(WORDS))
  const paragraphs = (): string[] => Array.from({ length: 3 + below(8) }, () => lines(words(50)))

  const message = (number: number): Buffer => {
    const [name, company] = [oneOf(PEOPLE), oneOf(COMPANIES)]
    const text = [...paragraphs(), ...(number % 100 === 7 ? [RARE_WORD] : [])]
    const plain = part('text/plain; charset=utf-8', text.join('\r\n\r\n'))
    const html = part('text/html; charset=utf-8', text.map((one) => `<p>${one}</p>`).join('\r\n'))
    const both = number % 3 === 0 ? multipart('alternative', [plain, html]) : plain
    const file = `Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="${oneOf(WORDS)}-${number}.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64(6_000)}`
    const head = [
      `From: "${name} of the ${company}" <${name.toLowerCase()}@${company}.example>`,
      'To: Alice <alice@lab.test>',
      `Subject: =?utf-8?B?${Buffer.from(`${words(4).join(' ')} ${number}`).toString('base64')}?=`,
      `Date: Thu, 01 Jan 2026 ${[number / 3600, number / 60, number].map((one) => `${Math.floor(one) % 60}`.padStart(2, '0')).join(':')} +0000`,
      `Message-ID: <${number}@${company}.example>`,
      'MIME-Version: 1.0',
    ]
    return Buffer.from(`${head.join('\r\n')}\r\n${number % 10 === 1 ? multipart('mixed', [both, file]) : both}\r\n`)
  }
  return Array.from({ length: count }, (_, number) => message(number))
}

const part = (type: string, content: string): string =>
  `Content-Type: ${type}\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${content}`

const multipart = (subtype: string, parts: readonly string[]): string => {
  const boundary = `=_${subtype}`
  const inside = parts.map((one) => `--${boundary}\r\n${one}\r\n`).join('')
  return `Content-Type: multipart/${subtype}; boundary="${boundary}"\r\n\r\n${inside}--${boundary}--`
}

/** Joins words to lines of ten. */
const lines = (words: readonly string[]): string => words.join(' ').replaceAll(/((?:\S+ ){9}\S+) /g, '$1\r\n')

const base64 = (octets: number): string =>
  Buffer.alloc(octets, 'file').toString('base64').replaceAll(/.{76}/g, '$&\r\n')
