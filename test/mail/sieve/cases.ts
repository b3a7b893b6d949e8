// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of Sieve
import { compileScript, runScript } from '../../../src/mail/sieve/sieve.ts'
import type { SieveAction, SieveEnvironment, SieveResult } from '../../../src/mail/sieve/types.ts'

const message = (...lines: string[]): Buffer => Buffer.from(lines.join('\r\n'), 'latin1')

/** A message with what the examples of the RFCs ask for. */
export const MAIL = message(
  'Received: from mx.acme.example.com by mail; Tue, 01 Dec 2026 12:34:56 +0000',
  'Received: from a.desert.example.org by mx; Mon, 30 Nov 2026 23:30:00 -0500',
  'From: "Wile E. Coyote" <coyote@desert.example.org>',
  'To: Road Runner <roadrunner+acme.ads+x@ACME.example.com>, friends: ken@b.test, barbie@b.test;',
  'Cc: frop@example.com',
  'Subject: [acme-users] =?utf-8?q?Gr=C3=BC=C3=9Fe?= 100% $$$ *',
  'Date: Tue, 01 Dec 2026 13:30:00 +0100',
  'Message-ID: <1@desert.example.org>',
  'X-Number: 0042 things',
  'X-Empty:',
  'X-Folded: one',
  '  two',
  'X-Caffeine: C8H10N4O2',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=b',
  '',
  'prologue words',
  '--b',
  'Content-Type: text/plain; charset=iso-8859-1',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Make m=',
  'oney f=E4st',
  '--b',
  'Content-Type: text/html',
  '',
  '<p>Hello <b>world</b>',
  '--b',
  'Content-Type: message/rfc822',
  '',
  'Subject: inner subject',
  '',
  'inner words',
  '--b--',
  'epilogue words',
  '',
)

export const ENVELOPE = { from: 'coyote@desert.example.org', to: 'roadrunner@acme.example.com' }

export interface Case {
  readonly requires?: string
  readonly script: string
  /** The actions in short, as `summary` writes them. */
  readonly expected: string
  /** Default: `MAIL`. */
  readonly raw?: Buffer
  readonly from?: string
  /** The reason why Pigeonhole does something else. */
  readonly differs?: string
}

const INDEX_ORDER = 'Pigeonhole ignores :index if a zone follows it'
const METHODS = 'Pigeonhole refuses to compile the URI of an unknown method; RFC 5435 section 5 makes the test false'
const NO_EREJECT = 'Pigeonhole has ereject only in LMTP'
const NO_QUOTEREGEX = 'Pigeonhole does not have :quoteregex'
const CHECKED_LATER = 'sieve-test lists a vacation reply before it checks who gets one'

/** A condition on `MAIL`, and whether it is true. */
type Condition = readonly [requires: string, condition: string, isTrue: boolean, differs?: string]

/** From the sections and examples of the RFCs, in their order. */
const CONDITIONS: readonly Condition[] = [
  // RFC 5228
  ['', 'address :is :all "from" "coyote@desert.example.org"', true],
  ['', 'address :domain :is ["to", "cc"] "acme.example.com"', true],
  ['', 'address :localpart "to" "barbie"', true],
  ['', 'address :all :comparator "i;octet" :is "to" "roadrunner+acme.ads+x@acme.example.com"', false],
  ['', 'address :contains "from" "Wile"', false],
  ['', 'header :contains "subject" "grüße 100%"', true],
  ['', 'header :is :comparator "i;octet" "x-caffeine" "c8h10n4o2"', false],
  ['', 'header :is ["X-Caffeine"] [""]', false],
  ['', 'header :contains ["X-Caffeine"] [""]', true],
  ['', 'header :is "x-empty" ""', true],
  ['', 'header :contains "x-none" ""', false],
  ['', 'header :is "x-folded" "one  two"', true],
  ['', 'header :matches "subject" "*\\\\*"', true],
  ['', 'header :matches "subject" "*$$$ ?"', true],
  ['', 'header :matches "x-caffeine" "c?h*o2"', true],
  ['', 'header :matches "x-caffeine" "c?h"', false],
  ['', 'exists ["from", "date"]', true],
  ['', 'exists ["from", "x-none"]', false],
  ['', 'size :over 100', true],
  ['', 'size :under 1K', true],
  ['', 'size :over 1M', false],
  ['', 'anyof (false, not false)', true],
  ['', 'allof (true, not allof (true, true))', false],
  ['"envelope"', 'envelope :all :is "from" "coyote@desert.example.org"', true],
  ['"envelope"', 'envelope :domain "to" "acme.example.com"', true],
  ['"encoded-character"', 'header :contains "subject" "${hex:24 24} "', true],
  ['"encoded-character"', 'header :contains "subject" "${hex:24 24}${unicode:24}"', true],
  ['"encoded-character"', 'header :contains "subject" "${hex:}$$$"', false],
  ['"comparator-i;ascii-numeric"', 'header :comparator "i;ascii-numeric" :is "x-number" "42"', true],
  ['"comparator-i;ascii-numeric"', 'header :comparator "i;ascii-numeric" :is "x-caffeine" "none"', true],
  ['"comparator-i;unicode-casemap"', 'header :comparator "i;unicode-casemap" :contains "subject" "GRÜß"', true],
  // RFC 5231
  [
    '["relational", "comparator-i;ascii-numeric"]',
    'address :count "ge" :comparator "i;ascii-numeric" ["to"] ["3"]',
    true,
  ],
  [
    '["relational", "comparator-i;ascii-numeric"]',
    'header :count "eq" :comparator "i;ascii-numeric" "received" "2"',
    true,
  ],
  [
    '["relational", "comparator-i;ascii-numeric"]',
    'header :value "gt" :comparator "i;ascii-numeric" "x-number" "9"',
    true,
  ],
  ['"relational"', 'header :value "lt" "x-caffeine" "D"', true],
  ['"relational"', 'header :value "ne" "x-caffeine" "c8h10n4o2"', false],
  // RFC 5233
  ['"subaddress"', 'address :user "to" "roadrunner"', true],
  ['"subaddress"', 'address :detail "to" "acme.ads+x"', true],
  ['"subaddress"', 'address :detail :contains "from" ""', false],
  ['["subaddress", "envelope"]', 'envelope :user "from" "coyote"', true],
  // RFC 5229
  ['"variables"', 'string :is "${unknown}" ""', true],
  ['["variables", "relational"]', 'string :count "eq" ["", "a", "b"] "2"', true],
  ['"variables"', 'string :is "${un-known} ${" "${un-known} ${"', true],
  // RFC 5173
  ['"body"', 'body :raw :contains "m=\r\noney"', true],
  ['"body"', 'body :raw :contains "=E4"', true],
  ['"body"', 'body :content "text" :contains "make money fäst"', true],
  ['"body"', 'body :content "text/html" :contains "<b>world"', true],
  ['"body"', 'body :content "multipart" :contains "prologue"', true],
  ['"body"', 'body :content "multipart" :contains "make"', false],
  ['"body"', 'body :content "message/rfc822" :contains "inner subject"', true],
  ['"body"', 'body :text :contains "hello world"', true],
  ['"body"', 'body :contains "inner words"', true],
  ['"body"', 'body :contains "<p>"', false],
  // RFC 5260
  ['"date"', 'date :originalzone "date" "hour" "13"', true],
  ['"date"', 'date :zone "+0200" "date" "time" "14:30:00"', true],
  ['"date"', 'date :zone "+0000" "received" "iso8601" "2026-12-01T12:34:56Z"', true],
  ['["date", "index"]', 'date :index 2 :originalzone "received" "date" "2026-11-30"', true, INDEX_ORDER],
  ['["date", "index"]', 'date :index 1 :last :zone "-0500" "received" "weekday" "1"', true, INDEX_ORDER],
  ['["date", "index"]', 'date :originalzone :index 2 "received" "date" "2026-11-30"', true],
  ['"date"', 'date :originalzone "date" "julian" "61375"', true],
  ['"date"', 'date :originalzone "date" "zone" "+0100"', true],
  ['"date"', 'date :originalzone "date" "std11" "Tue, 01 Dec 2026 13:30:00 +0100"', true],
  ['"date"', 'date "subject" "year" "2026"', false],
  ['["date", "relational"]', 'currentdate :value "ge" "date" "2007-06-30"', true],
  ['"index"', 'header :index 2 :contains "received" "desert"', true],
  ['"index"', 'header :index 1 :last :contains "received" "mx.acme"', false],
  ['"index"', 'address :index 2 :localpart ["to", "cc"] "frop"', true],
  // RFC 5232
  ['"imap4flags"', 'hasflag "\\\\Seen"', false],
  // RFC 5490
  ['"mailbox"', 'mailboxexists "No such mailbox"', false],
  // RFC 5435, RFC 5436
  ['"enotify"', 'valid_notify_method "mailto:a@b.test"', true],
  ['"enotify"', 'valid_notify_method ["mailto:a@b.test", "http://gw.example.net/notify?test"]', false],
  ['"enotify"', 'notify_method_capability "mailto:a@b.test" "Online" "maybe"', true],
  ['"enotify"', 'notify_method_capability "xmpp:tim@example.com?message;subject=SIEVE" "Online" "yes"', false, METHODS],
  // RFC 5183, RFC 5463
  ['"environment"', 'environment "no-such-item" ""', false],
  ['"ihave"', 'ihave ["fileinto", "no-such-extension"]', false],
  ['"ihave"', 'ihave "fileinto"', true],
  ['"ihave"', 'ihave "variables"', false],
  // RFC 7352
  ['"duplicate"', 'duplicate', false],
  ['"duplicate"', 'duplicate :header "X-None"', false],
  // draft-ietf-sieve-regex
  ['"regex"', 'address :regex ["to", "cc"] "^roadrunner(\\\\+.*)?@acme\\\\.example\\\\.com$"', true],
  ['"regex"', 'header :regex :comparator "i;octet" "x-caffeine" "^[^[:lower:]]+$"', true],
  ['"regex"', 'header :regex "x-caffeine" "^(c[0-9]{1,2}|x)h1?0"', true],
  ['"regex"', 'header :regex "x-caffeine" "(c|h){2}"', false],
  ['"regex"', 'header :regex "subject" "[]x%]+ [$]{3}"', true],
]

const flags = '"fileinto", "imap4flags"'

/** Scripts and their actions. */
const SCRIPTS: readonly Case[] = [
  { script: '', expected: 'keep' },
  { script: '/* a */ keep; # b\nkeep;', expected: 'keep' },
  { script: 'discard;', expected: 'discard' },
  { script: 'discard; keep;', expected: 'discard; keep' },
  { script: 'stop; discard;', expected: 'keep' },
  { script: 'if false { discard; } elsif true { stop; } else { discard; }', expected: 'keep' },
  { script: 'redirect "bart@example.edu";', expected: 'redirect bart@example.edu' },
  {
    script: 'redirect "a@b.test"; redirect "A@b.test"; keep;',
    expected: 'redirect A@b.test; keep',
    differs: 'Pigeonhole keeps the first spelling',
  },
  { requires: '"fileinto"', script: 'fileinto "harassment"; fileinto "harassment";', expected: 'fileinto harassment' },
  { requires: '"fileinto"', script: 'if header :is "x-number" text:\n0042 things\n.\n{ discard; }', expected: 'keep' },
  { requires: '["fileinto", "copy"]', script: 'fileinto :copy "copies";', expected: 'fileinto copies; keep' },
  {
    requires: '["fileinto", "copy"]',
    script: 'redirect :copy "a@b.test"; fileinto "x";',
    expected: 'redirect a@b.test; fileinto x',
  },
  { requires: '["fileinto", "mailbox"]', script: 'fileinto :create "Partners";', expected: 'fileinto Partners create' },
  { requires: '"reject"', script: 'reject "I am not taking mail from you";', expected: 'reject' },
  { requires: '"ereject"', script: 'ereject "no";', expected: 'reject', differs: NO_EREJECT },
  { requires: '"reject"', script: 'reject "a"; reject "b";', expected: 'error' },
  { requires: '"reject"', script: 'keep; reject "b";', expected: 'error' },
  { requires: `[${flags}]`, script: 'setflag "\\\\Deleted"; keep;', expected: 'keep \\deleted' },
  {
    requires: `[${flags}]`,
    script: 'addflag ["\\\\Answered \\\\Seen", "$x"]; removeflag "\\\\seen"; fileinto "A";',
    expected: 'fileinto A $x,\\answered',
  },
  { requires: `[${flags}]`, script: 'addflag "\\\\Recent"; addflag "\\\\Flagged";', expected: 'keep \\flagged' },
  {
    requires: `[${flags}]`,
    script: 'setflag "A B"; if hasflag :is "b A" { fileinto :flags "$y" "x"; }',
    expected: 'fileinto x $y',
  },
  {
    requires: `[${flags}, "variables"]`,
    script: 'addflag "v" ["\\\\Deleted", "\\\\Answered"]; fileinto :flags "${v}" "x";',
    expected: 'fileinto x \\answered,\\deleted',
  },
  {
    requires: `[${flags}, "variables", "relational", "comparator-i;ascii-numeric"]`,
    script: 'set "MyFlags" "A B"; if hasflag :count "ge" :comparator "i;ascii-numeric" "MyFlags" "2" { discard; }',
    expected: 'discard',
  },
  {
    requires: `[${flags}, "variables"]`,
    script: 'set "v" "NonJunk gnus-forward $Forwarded"; if hasflag :contains "v" ["label", "forward"] { discard; }',
    expected: 'discard',
  },
  {
    requires: '["fileinto", "variables"]',
    script: 'if header :matches "subject" "[acme-*] *" { fileinto "lists.${1}"; }',
    expected: 'fileinto lists.users',
  },
  {
    requires: '["fileinto", "variables"]',
    script: 'if address :matches "from" "*@*.example.*" { fileinto "${0}/${3}/${2}/${1}"; }',
    expected: 'fileinto coyote@desert.example.org/org/desert/coyote',
  },
  {
    requires: '["fileinto", "variables"]',
    script:
      'set "a" "juMBlEd lETteRS"; set :length "b" "${a}"; set :lower "c" "${a}"; set :upperfirst "d" "${a}"; set :upperfirst :lower "e" "${a}"; set :quotewildcard "f" "Rock*"; fileinto "${b},${c},${d},${e},${f}";',
    expected: 'fileinto 15,jumbled letters,JuMBlEd lETteRS,Jumbled letters,Rock\\*',
  },
  {
    requires: '["fileinto", "variables", "encoded-character"]',
    script: 'set "company" "ACME"; fileinto "Re: ${COMPANY}${hex:21} ${beep ${no}";',
    expected: 'fileinto Re: ACME! ${beep ',
  },
  {
    requires: '["fileinto", "variables", "regex"]',
    script: 'if header :regex "x-caffeine" "c([0-9])h([0-9]+)" { fileinto "${0}-${1}-${2}"; }',
    expected: 'fileinto C8H10-8-10',
  },
  {
    requires: '["fileinto", "variables", "regex"]',
    script: 'set :quoteregex "x" "a.b*"; fileinto "${x}";',
    expected: 'fileinto a\\.b\\*',
    differs: NO_QUOTEREGEX,
  },
  {
    requires: '["fileinto", "variables", "enotify"]',
    script: 'set :encodeurl "x" "a b&ü"; fileinto "${x}";',
    expected: 'fileinto a%20b%26%C3%BC',
  },
  {
    requires: '["fileinto", "variables", "body"]',
    script: 'if header :matches "subject" "[*]*" { if body :matches "*money*" { fileinto "${1}"; } }',
    expected: 'fileinto acme-users',
  },
  {
    requires: '["fileinto", "variables", "date"]',
    script:
      'if date :originalzone :matches "date" "month" "*" { set "m" "${1}"; } if date :originalzone :matches "date" "year" "*" { fileinto "${m}-${1}"; }',
    expected: 'fileinto 12-2026',
  },
  {
    requires: '"vacation"',
    script: `vacation :addresses ["roadrunner+acme.ads+x@acme.example.com"] "Gone";`,
    expected: 'vacation coyote@desert.example.org; keep',
  },
  { requires: '"vacation"', script: 'vacation "not named in To";', expected: 'keep', differs: CHECKED_LATER },
  {
    requires: '"vacation"',
    script: 'vacation :addresses "frop@example.com" "a"; discard;',
    expected: 'vacation coyote@desert.example.org; discard',
  },
  {
    requires: '["vacation", "vacation-seconds"]',
    script: 'vacation :addresses "frop@example.com" :seconds 1800 "a";',
    expected: 'vacation coyote@desert.example.org; keep',
  },
  {
    requires: '"vacation"',
    from: '',
    script: 'vacation :addresses "frop@example.com" "a";',
    expected: 'keep',
    differs: CHECKED_LATER,
  },
  {
    requires: '"vacation"',
    from: 'owner-list@a.test',
    script: 'vacation :addresses "frop@example.com" "a";',
    expected: 'keep',
    differs: CHECKED_LATER,
  },
  {
    requires: '["vacation", "reject"]',
    script: 'vacation :addresses "frop@example.com" "a"; reject "b";',
    expected: 'error',
  },
  { requires: '"vacation"', script: 'vacation :addresses "frop@example.com" "a"; vacation "b";', expected: 'error' },
  {
    requires: '"editheader"',
    script: 'addheader "X-Hello" "World"; deleteheader :index 1 "X-Hello"; if not exists "x-hello" { discard; }',
    expected: 'discard',
  },
  {
    requires: '"editheader"',
    script:
      'deleteheader "received"; deleteheader "subject"; if allof (exists "received", not exists "subject") { discard; }',
    expected: 'discard',
  },
  {
    requires: '"editheader"',
    script:
      'addheader :last "Cc" "x@y.test"; deleteheader :index 1 :contains "Cc" "x@y"; if address :contains "cc" ["x@y.test"] { discard; }',
    expected: 'discard',
  },
  {
    requires: '["ihave", "fileinto"]',
    script: 'if ihave "imap4flags" { setflag "$a"; } if ihave "no-such" { nosuch "x"; } fileinto "a";',
    expected: 'fileinto a $a',
  },
  { requires: '"ihave"', script: 'if not ihave "no-such" { error "no"; }', expected: 'error' },
  {
    requires: '["enotify", "variables"]',
    script:
      'if header :matches "subject" "*" { notify :importance "1" :message "S: ${1}" "mailto:alm@example.com?cc=b@c.test"; }',
    expected: 'notify alm@example.com,b@c.test; keep',
  },
  {
    requires: '["fileinto", "duplicate"]',
    script: 'if not duplicate :handle "x" :header "X-Number" { fileinto "new"; }',
    expected: 'fileinto new',
  },
  {
    requires: '["fileinto", "special-use"]',
    script: 'if not specialuse_exists "\\\\Archive" { fileinto :specialuse "\\\\Archive" "Old"; }',
    expected: 'fileinto Old',
  },
]

export const CASES: readonly Case[] = [
  ...CONDITIONS.map(([requires, condition, isTrue, differs]) => ({
    requires,
    script: `if ${condition} { discard; }`,
    expected: isTrue ? 'discard' : 'keep',
    ...(differs !== undefined && { differs }),
  })),
  ...SCRIPTS,
]

export const source = ({ requires, script }: Case): string => `${requires ? `require ${requires};\n` : ''}${script}\n`

/** Returns the actions in short. An error keeps the message, which `error` stands for. */
export function summary({ actions, error }: Pick<SieveResult, 'actions' | 'error'>): string {
  return error ? 'error' : actions.map(short).join('; ')
}

export const flagText = (flags: readonly string[]): string =>
  flags.length === 0
    ? ''
    : ` ${flags
        .map((flag) => flag.toLowerCase())
        .sort()
        .join()}`

function short(action: SieveAction): string {
  if (action.type === 'keep') return `keep${flagText(action.flags)}`
  if (action.type === 'fileinto')
    return `fileinto ${action.mailbox}${action.create ? ' create' : ''}${flagText(action.flags)}`
  if (action.type === 'redirect') return `redirect ${action.address}`
  if (action.type === 'vacation' || action.type === 'notify') return `${action.type} ${action.to.join()}`
  return action.type === 'ereject' ? 'reject' : action.type
}

const ENVIRONMENT: SieveEnvironment = {
  addresses: [ENVELOPE.to],
  nowMs: Date.UTC(2026, 11, 2, 8, 30),
}

/** Compiles and runs. @throws Error if the script has mistakes */
export async function run(
  script: string,
  { raw = MAIL, from = ENVELOPE.from }: { raw?: Buffer | undefined; from?: string | undefined } = {},
  environment: Partial<SieveEnvironment> = {},
): Promise<SieveResult> {
  const compiled = compileScript(script)
  if ('errors' in compiled)
    throw new Error(compiled.errors.map((one) => `${one.line}:${one.column}: ${one.message}`).join('\n'))
  return runScript(compiled.script, { raw, envelope: { ...ENVELOPE, from } }, { ...ENVIRONMENT, ...environment })
}
