// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are variables of Sieve
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/core/values/random.ts'
import { compileScript, runScript, SIEVE_CAPABILITIES } from '../../../src/mail/sieve/sieve.ts'
import { SIEVE_LIMITS } from '../../../src/mail/sieve/types.ts'
import { isThorough, some } from '../../support/thorough.ts'
import { CASES, ENVELOPE, MAIL, run, source, summary } from './cases.ts'

const mistakes = (script: string): string[] => {
  const compiled = compileScript(script)
  return 'errors' in compiled ? compiled.errors.map(({ line, column, message }) => `${line}:${column}: ${message}`) : []
}

describe('mistakes have a place and a cure', () => {
  test.each([
    ['keep;\n\n    fileinto "x";', '3:5: fileinto needs require "fileinto";'],
    ['require "fileintoo";', '1:9: unknown extension "fileintoo"; did you mean fileinto?'],
    ['keep; require "fileinto";', '1:7: move require to the beginning of the script'],
    ['kep;', '1:1: unknown command kep; did you mean keep?'],
    ['if headr "a" "b" { keep; }', '1:4: unknown test headr; did you mean header?'],
    ['keep', '1:5: expected ";" after keep, found the end of the script'],
    ['if true { keep;', '1:16: expected "}" for the block of line 1, found the end of the script'],
    ['else { keep; }', '1:1: else must follow the block of an if or elsif'],
    ['if header :is :contains "a" "b" { keep; }', '1:15: use either :is or :contains'],
    ['if size :over "1" { keep; }', '1:15: the limit of size must be a number'],
    ['redirect "x";', '1:10: the address of redirect is invalid: use one address such as alice@lab.test'],
    ['require "copy"; redirect "a@b.test" :copy;', '1:37: put :copy before the other arguments of redirect'],
    ['if size :over 1Q { keep; }', '1:15: 1Q is not a number; use K, M, G or no unit'],
    ['if size :over 5000M { keep; }', '1:15: this number is too large; use at most 2147483647'],
    ['/* a', '1:1: this comment has no end; close it with */'],
    ['redirect "a', '1:10: this string has no end; close it with "'],
    ['redirect text:\na\n', '1:10: this text has no end; close it with a line that is a single dot'],
    [
      'if header :comparator "i;other" "a" "b" { stop; }',
      '1:23: :comparator of header is invalid: use i;octet, i;ascii-casemap, i;unicode-casemap, i;ascii-numeric',
    ],
    [
      'if header :comparator "i;ascii-numeric" "a" "b" { stop; }',
      '1:23: the comparator i;ascii-numeric needs require "comparator-i;ascii-numeric";',
    ],
    [
      'require "variables"; set "1" "x";',
      '1:26: the name of set is invalid: use letters, digits and "_", not first a digit',
    ],
    ['require "regex"; if header :regex "a" "(b" { stop; }', '1:39: invalid regular expression: a "(" has no ")"'],
    ['require "include"; global "x";', '1:20: global needs require "variables";'],
  ])('%s', (script, expected) => expect(mistakes(script)).toEqual([expected]))

  test('several are reported together', () => expect(mistakes('kep;\nfileinto "a";\ndiscrd;')).toHaveLength(3))
})

describe('limits', () => {
  const nested = (levels: number): string => `${'if true {'.repeat(levels)}keep;${'}'.repeat(levels)}`

  test('15 levels of blocks and of tests work, hundreds do not', () => {
    expect(mistakes(nested(15))).toEqual([])
    expect(mistakes(`if ${'not '.repeat(15)}true { keep; }`)).toEqual([])
    expect(mistakes(nested(500))).toHaveLength(1)
    expect(mistakes(`if ${'not '.repeat(100_000)}true { keep; }`)).toHaveLength(1)
  })

  test('a script of more than 64 KiB is refused', () => {
    expect(mistakes(`#${'x'.repeat(SIEVE_LIMITS.scriptOctets)}`)[0]).toContain('larger than 65536 bytes')
  })

  test('a run has at most 32 actions, 4 of them redirects', async () => {
    const script = (count: number, line: (i: number) => string): string =>
      `require "fileinto"; ${Array.from({ length: count }, (_, i) => line(i)).join('\n')}`
    expect((await run(script(33, (i) => `fileinto "m${i}";`))).error?.message).toContain('more than 32 actions')
    expect((await run(script(32, (i) => `fileinto "m${i}";`))).actions).toHaveLength(32)
    expect((await run(script(5, (i) => `redirect "a${i}@b.test";`))).error).toMatchObject({ line: 5 })
  })

  test('variables that double end at a limit', async () => {
    const doubling = 'set "a" "${a}${a}";\n'.repeat(100)
    const script = `require ["variables", "fileinto"]; set "a" "x"; ${doubling} set :length "n" "\${a}"; fileinto "\${n}";`
    expect(summary(await run(script))).toBe('fileinto 65536')
  })

  const explosive = ['(a*)*b', '((a{0,9}){0,9}){0,2}b', '(a|a)*b', '(a|aa)+b', '^(([a-z])+.)+[A-Z]([a-z])+b']
  test.each(some(explosive, 2))('the regular expression %s ends on a long text', async (expression) => {
    const raw = Buffer.from(`Subject: ${'a'.repeat(20_000)}\r\n\r\n`)
    const result = await run(`require "regex"; if header :regex "subject" "${expression}" { discard; }`, { raw })
    expect(summary(result)).toBe('keep')
  })

  test('a script that compares too much keeps the message', async () => {
    const { script } = compileScript('if header :contains "subject" ["a", "b"] { discard; }') as never
    const result = await runScript(script, { raw: MAIL, envelope: ENVELOPE }, { addresses: [], nowMs: 0 }, { work: 2 })
    expect(result.error?.message).toContain('compares too much text')
    expect(result.actions).toMatchObject([{ type: 'keep', implicit: true }])
  })
})

describe('environment', () => {
  test('duplicates and vacation replies are remembered only once', async () => {
    const script =
      'require ["duplicate", "vacation"]; if duplicate { discard; } else { vacation :addresses "frop@example.com" "a"; }'
    const first = await run(script)
    expect(first.remember.map(({ seconds }) => seconds)).toEqual([604_800, 604_800])
    const keys = new Set(first.remember.map(({ key }) => key))
    expect(summary(await run(script, {}, { remembers: (key) => keys.has(key) }))).toBe('discard')
    const again = await run(
      'require "vacation"; vacation :addresses "frop@example.com" "a";',
      {},
      { remembers: () => true },
    )
    expect(again.trace[0]?.text).toContain('got one not long ago')
  })

  test('a vacation reply has the fields of RFC 5230 section 5', async () => {
    const { actions } = await run('require "vacation"; vacation :addresses "frop@example.com" "Gone.";')
    const [reply] = actions
    if (reply?.type !== 'vacation') throw new Error('no reply')
    expect(reply).toMatchObject({ from: '', to: [ENVELOPE.from] })
    const text = reply.content.toString()
    for (const line of [
      'From: roadrunner@acme.example.com',
      'Auto-Submitted: auto-replied',
      'In-Reply-To: <1@desert.example.org>',
      'References: <1@desert.example.org>',
    ])
      expect(text.split('\r\n')).toContain(line)
    expect(text).toMatch(/^Subject: Auto: \[acme-users\] =\?UTF-8\?Q\?Gr/m)
    expect(text.endsWith('\r\n\r\nGone.\r\n')).toBe(true)
  })

  test.each([
    ['Auto-Submitted: auto-replied', 'a program sent'],
    ['List-Id: <x.y>', 'mailing list'],
    ['Precedence: bulk', 'bulk mail'],
  ])('no vacation reply to mail with %s', async (field, reason) => {
    const raw = Buffer.from(`To: ${ENVELOPE.to}\r\n${field}\r\n\r\n`)
    expect((await run('require "vacation"; vacation "a";', { raw })).trace[0]?.text).toContain(reason)
  })

  test('included scripts share global variables only', async () => {
    const scripts: Record<string, string> = {
      'personal:sub': 'require ["include", "variables"]; global "g"; set "g" "${g}!"; set "own" "x"; return; discard;',
      'personal:loop': 'require "include"; include "loop";',
      'global:end': 'stop;',
    }
    const included = (name: string, location: string) => {
      const found = scripts[`${location}:${name}`]
      return found === undefined ? undefined : compileScript(found)
    }
    const head = 'require ["include", "variables", "fileinto"]; '
    const main = `${head} global "g"; set "g" "a"; set "own" "o"; include "sub"; include :once "sub"; include :optional "none"; fileinto "\${g}\${global.g}\${own}"; include :global "end"; discard;`
    expect(summary(await run(main, {}, { included }))).toBe('fileinto a!a!o')
    expect((await run(`${head} include "loop";`, {}, { included })).error).toMatchObject({ script: 'loop', line: 1 })
    expect((await run(`${head} include "none";`, {}, { included })).error?.message).toContain(
      'there is no personal script',
    )
  })

  test('special uses, mailboxes, spam and items', async () => {
    const environment = {
      specialUse: (use: string) => (use === '\\Junk' ? 'Spam' : undefined),
      mailboxExists: (name: string) => name === 'Old',
      spamScore: 0.5,
      items: { 'remote-ip': '192.0.2.7' },
    }
    const script = `require ["special-use", "mailbox", "fileinto", "spamtest", "spamtestplus", "relational", "comparator-i;ascii-numeric", "environment"];
if allof (specialuse_exists "\\\\Junk", mailboxexists ["INBOX", "Old"], spamtest :value "ge" :comparator "i;ascii-numeric" "5",
  spamtest :percent :is "50", environment "Remote-IP" "192.0.2.7") { fileinto :specialuse "\\\\Junk" "Junk"; }`
    const result = await run(script, {}, environment)
    expect(summary(result)).toBe('fileinto Spam')
    expect(result.trace).toEqual([{ line: 3, text: 'filed into Spam' }])
  })

  test('actions before an error do not happen, and the message is kept as it came', async () => {
    const script = 'require ["editheader", "ihave", "fileinto"]; addheader "X-A" "b"; fileinto "a"; error "broken";'
    const result = await run(script)
    expect(result.actions).toEqual([{ type: 'keep', implicit: true, flags: [], line: 1 }])
  })

  test('changes of the header reach what is stored', async () => {
    const { actions } = await run('require "editheader"; addheader "X-A" "é"; deleteheader "x-empty"; keep;')
    const [kept] = actions
    const text = kept?.type === 'keep' ? (kept.header?.toString('latin1') ?? '') : ''
    expect(text.startsWith('X-A: =?UTF-8?Q?=C3=A9?=\r\nReceived:')).toBe(true)
    expect(text).not.toContain('X-Empty')
    expect(text.endsWith('\r\n\r\n')).toBe(true)
  })
})

test('scripts of random words neither throw nor exceed the limits', { timeout: 600_000 }, async () => {
  const random = seededRandom(44)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const words = [...new Set(CASES.flatMap((one) => source(one).match(/"(?:[^"\\]|\\.)*"|[:\w]+|[^\s\w]/g) ?? []))]
  const requires = `require [${SIEVE_CAPABILITIES.map((one) => JSON.stringify(one)).join()}];\n`
  const statements = CASES.map(({ script }) => script)
  let ran = 0
  for (let round = 0; round < (isThorough ? 5000 : 500); round++) {
    const parts = Array.from({ length: 1 + Math.floor(random() * 12) }, () =>
      pick(round % 2 === 0 ? statements : words),
    )
    const compiled = compileScript(requires + parts.join(' '))
    if ('errors' in compiled) {
      for (const error of compiled.errors) expect(error.line * error.column).toBeGreaterThan(0)
      continue
    }
    ran++
    const result = await runScript(
      compiled.script,
      { raw: MAIL, envelope: ENVELOPE },
      { addresses: [ENVELOPE.to], nowMs: 0 },
    )
    expect(result.actions.length).toBeGreaterThan(0)
    expect(result.actions.length).toBeLessThanOrEqual(SIEVE_LIMITS.actions + 1)
  }
  expect(ran).toBeGreaterThan(100)
})
