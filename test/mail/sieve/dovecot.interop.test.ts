import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { corpus } from '../../support/corpus.ts'
import { dovecotConfiguration, giveToDovecot } from '../../support/dovecot.ts'
import { CASES, ENVELOPE, flagText, MAIL, run, source, summary } from './cases.ts'

const SIEVE_TEST = '/usr/bin/sieve-test'

/** Returns whether Debian's dovecot-sieve is installed. @throws if it is missing in CI */
function hasPigeonhole(): boolean {
  const found = fs.existsSync(SIEVE_TEST)
  if (!found && process.env.SEALPOST_CI === '1') throw new Error('dovecot-sieve is not installed')
  return found
}

let home = ''
beforeAll(() => {
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'sealpost-sieve-'))
  const extensions = ['editheader', 'vacation-seconds', 'spamtest', 'spamtestplus', 'special-use']
  const lines = extensions.map((one) => `  ${one} = yes\n`).join('')
  fs.writeFileSync(
    path.join(home, 'dovecot.conf'),
    `${dovecotConfiguration(home, '/dev/stderr')}sieve_extensions {\n${lines}}\n`,
  )
  giveToDovecot(home)
})
afterAll(() => fs.rmSync(home, { recursive: true, force: true }))

/** Returns what sieve-test prints about a script and a message. */
function printed(script: string, raw: Buffer, from: string): string {
  const files = [path.join(home, 'script.sieve'), path.join(home, 'message.eml')]
  fs.writeFileSync(files[0] as string, script)
  fs.writeFileSync(files[1] as string, raw)
  const options = [
    '-C',
    '-c',
    path.join(home, 'dovecot.conf'),
    '-f',
    from || '<>',
    '-r',
    ENVELOPE.to,
    '-a',
    ENVELOPE.to,
  ]
  const { stdout, stderr } = spawnSync(SIEVE_TEST, [...options, ...files], { encoding: 'utf8' })
  return `${stdout}\n${stderr}`
}

/** Reads the output of sieve-test as `summary` writes actions. */
function theirSummary(text: string): string {
  if (/error:|failed; resolved/.test(text)) return 'error'
  const actions = text
    .split(/^ \* /m)
    .slice(1)
    .filter((one) => !one.startsWith('track duplicate'))
  return actions.length === 0 ? 'discard' : actions.map(theirAction).join('; ')
}

function theirAction(text: string): string {
  const [, mailbox] = /^store message in folder: (.*)$/m.exec(text) ?? []
  const flags = flagText((/add IMAP flags: (.*)$/m.exec(text)?.[1] ?? '').split(' ').filter(Boolean))
  if (mailbox === 'INBOX') return `keep${flags}`
  if (mailbox !== undefined) return `fileinto ${mailbox}${text.includes('create mailbox') ? ' create' : ''}${flags}`
  const [, address] = /^redirect message to: <(.*)>$/m.exec(text) ?? []
  if (address !== undefined) return `redirect ${address}`
  if (/^reject/.test(text)) return 'reject'
  if (/^send vacation/.test(text)) return `vacation ${ENVELOPE.from}`
  if (/^send notification/.test(text))
    return `notify ${[...text.matchAll(/^ *\+ (?:To|Cc): (.*)$/gm)].map(([, one]) => one).join()}`
  return text.split('\n', 1)[0] ?? ''
}

/** Questions about every real mail: the flag `t<number>` is set where the test is true. */
const QUESTIONS = [
  'header :contains "subject" "re"',
  'header :matches "subject" "*[*]*"',
  'header :regex "subject" "^[^[:lower:]]*$"',
  'header :regex ["from", "to"] "([a-z]+)@([a-z.]+)\\\\.(com|org)"',
  'header :count "ge" :comparator "i;ascii-numeric" "received" "3"',
  'address :domain :contains "from" "."',
  'address :localpart :matches ["to", "cc"] "*o*"',
  'address :count "gt" :comparator "i;ascii-numeric" ["to", "cc"] "1"',
  'address :detail :contains ["from", "to"] ""',
  'exists ["list-id"]',
  'exists ["mime-version", "content-type"]',
  'size :over 10K',
  'date :zone "+0000" :value "ge" "date" "hour" "12"',
  'date :originalzone :matches "date" "zone" "+*"',
  'date :zone "+0000" :value "lt" "received" "date" "2010-01-01"',
  'header :index 1 :last :contains "received" "from"',
  'body :raw :contains "http"',
  'body :content "text/plain" :contains "the"',
  'body :content "text/html" :contains "<a "',
  'body :content "image" :contains ""',
]

const EMPTY_FIELD = 'an empty To or Cc holds no address; Pigeonhole counts one'
const OTHER_LETTERS = '[:lower:] has the small letters of every language; in Pigeonhole only those of ASCII'
const ODD_DATE = 'a date such as "10:28:3" is read; Pigeonhole ignores it'

/** Other answers on purpose, by the number of the question and the mail. docs/conformance.md lists the reasons. */
const DELIBERATE: Readonly<Record<string, string>> = {
  '2 spam-2.00853.eml': OTHER_LETTERS,
  '2 spam-2.00921.eml': OTHER_LETTERS,
  '2 spam-2.00960.eml': OTHER_LETTERS,
  '2 spam-2.01064.eml': OTHER_LETTERS,
  '7 spam-1.00216.eml': EMPTY_FIELD,
  '7 spam-1.00271.eml': EMPTY_FIELD,
  '7 spam-2.00421.eml': EMPTY_FIELD,
  '7 spam-2.01071.eml': EMPTY_FIELD,
  '7 spam-2.01166.eml': EMPTY_FIELD,
  '7 spam-2.01258.eml': EMPTY_FIELD,
  '8 spam-1.00349.eml': EMPTY_FIELD,
  '8 spam-2.00645.eml': EMPTY_FIELD,
  '8 spam-2.01371.eml': EMPTY_FIELD,
  '8 spam-2.01379.eml': EMPTY_FIELD,
  '13 spam-2.00471.eml': ODD_DATE,
  '13 spam-2.00645.eml': ODD_DATE,
  '17 spam-2.00204.eml':
    'a type with a syntax error is text/plain (RFC 2045 section 5.2); Pigeonhole has no type for it',
}

describe.skipIf(!hasPigeonhole())('scripts, compared with Pigeonhole (dovecot-sieve)', () => {
  test.each(CASES.map((one) => [source(one), one] as const))('%s', async (script, one) => {
    const ours = summary(await run(script, one))
    const theirs = theirSummary(printed(script, one.raw ?? MAIL, one.from ?? ENVELOPE.from))
    if (one.differs === undefined) expect(theirs).toBe(ours)
    else expect(theirs, `no longer differs: ${one.differs}`).not.toBe(ours)
  })

  test.skipIf(corpus().length === 0)('every real mail gets the same answers (SEALPOST_CORPUS)', async () => {
    const requires =
      'require ["imap4flags", "regex", "relational", "comparator-i;ascii-numeric", "subaddress", "date", "index", "body"];'
    const script = `${requires}\n${QUESTIONS.map((question, i) => `if ${question} { addflag "t${i}"; }\n`).join('')}`
    const different: string[] = []
    for (const { name, raw } of corpus()) {
      const ours = summary(await run(script, { raw }))
      const theirs = theirSummary(printed(script, raw, ENVELOPE.from))
      const [mine, other] = [ours, theirs].map((text) => new Set(text.replace(/^keep ?/, '').split(',')))
      for (const i of QUESTIONS.keys()) if (mine?.has(`t${i}`) !== other?.has(`t${i}`)) different.push(`${i} ${name}`)
    }
    expect(different.sort()).toEqual(Object.keys(DELIBERATE).sort())
  })
})
