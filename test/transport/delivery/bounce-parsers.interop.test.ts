import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reportForms } from '../../../src/core/config/schema/report-words.ts'
import { ask, greeted } from '../../servers/smtp/support.ts'
import { type MailLab, startMailLab } from '../../support/mail-lab.ts'
import { DEBIAN_PYTHON, needsModule } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'

/** The programs get the files of reports and print one line of JSON for each. */
const PYTHON = `
import email, json, sys
from email import policy
from flufl.bounce import all_failures
for name in sys.argv[1:]:
    with open(name, 'rb') as file: octets = file.read()
    temporary, permanent = all_failures(email.message_from_bytes(octets))
    message = email.message_from_bytes(octets, policy=policy.default)
    parts = list(message.walk())
    print(json.dumps({
        'temporary': [a.decode() for a in temporary], 'permanent': [a.decode() for a in permanent],
        'defects': [str(d) for p in parts for d in p.defects], 'type': message.get_content_type(),
        'types': [p.get_content_type() for p in parts],
    }))`
const SISIMAI = `
use Sisimai; use JSON;
for my $name (@ARGV) {
  my ($found) = @{ Sisimai->rise($name, delivered => 1) || [] };
  print encode_json({ map { $_ => $found ? "".($_ eq 'recipient' ? $found->recipient->address : $found->$_) : '' }
    qw(recipient action deliverystatus reason decodedby feedbacktype) }), "\\n";
}`
const BOUNCE_PARSER = `
use Mail::DeliveryStatus::BounceParser; use JSON;
for my $name (@ARGV) {
  local $/; open my $file, '<', $name; my $bounce = Mail::DeliveryStatus::BounceParser->new(scalar <$file>);
  print encode_json({ isBounce => $bounce->is_bounce ? 1 : 0,
    reasons => [map { $_->get('email') . ' ' . $_->get('std_reason') } $bounce->reports] }), "\\n";
}`

const CASES = ['5.1.1', '452', '450', '421', '5.2.2', '5.7.1', 'delayed'] as const
const names = reportForms.flatMap((form) =>
  CASES.filter((code) => form !== 'qmail' || code !== 'delayed').map((code) => `bounce+${code}.${form}@lab.test`),
)

describe('programs that read bounces', () => {
  let lab: MailLab
  const files: string[] = []
  beforeAll(async () => {
    lab = await startMailLab({ protocol: 'smtp' }, { config: { mail: { reports: { delay: 0 } } } })
    using client = await greeted(lab)
    for (const name of [...names, 'complaint+abuse@lab.test']) {
      await ask(client, 'MAIL FROM:<bob@lab.test>')
      expect(await ask(client, `RCPT TO:<${name}>`)).toMatch(/^250 /)
      await ask(client, 'DATA')
      await ask(
        client,
        'Date: Wed, 25 Nov 2026 12:00:00 +0000\r\nFrom: bob@lab.test\r\nTo: x@lab.test\r\nSubject: hi\r\n\r\nbody\r\n.',
      )
      const file = join(lab.folder, `${name}.eml`)
      writeFileSync(file, Buffer.from((await lab.inbox('bob')).at(-1)?.raw ?? '', 'latin1'))
      files.push(file)
    }
  })
  afterAll(() => lab[Symbol.asyncDispose]())

  const read = async (program: string, args: readonly string[]): Promise<Record<string, unknown>[]> => {
    const { stdout } = await runProgram(program, [...args, ...files])
    return stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  }

  test.runIf(needsModule('python', 'flufl.bounce'))("Python's email and flufl.bounce (Mailman)", async () => {
    const found = await read(DEBIAN_PYTHON, ['-c', PYTHON])
    const complaint = found.pop()
    expect(complaint).toMatchObject({ type: 'multipart/report', temporary: [], permanent: [], defects: [] })
    expect(complaint?.types).toContain('message/feedback-report')
    for (const [at, name] of names.entries()) {
      const isDelay = name.includes('delayed')
      const type = name.includes('qmail') ? 'text/plain' : 'multipart/report'
      const [temporary, permanent] = isDelay ? [[name], []] : [[], [name]]
      expect(found[at], name).toMatchObject({ type, defects: [], temporary, permanent })
    }
  })

  test.runIf(needsModule('perl', 'Sisimai'))('Sisimai', async () => {
    const found = await read('perl', ['-e', SISIMAI])
    expect(found.pop()).toMatchObject({ feedbacktype: 'abuse', reason: 'feedback', decodedby: 'ARF' })
    const KNOWN: Record<string, string> = {
      postfix: 'Postfix',
      exim: 'Exim',
      microsoft365: 'Exchange2007',
      qmail: 'qmail',
    }
    const REASONS = {
      '5.1.1': ['5.1.1', 'userunknown'],
      452: ['4.2.2', 'mailboxfull'],
      450: ['4.2.0', 'onhold'],
      // qmail's report says that the message has been in the queue too long.
      421: ['4.4.2', expect.stringMatching(/^(networkerror|onhold)$/)],
      '5.2.2': ['5.2.2', 'mailboxfull'],
      // Exchange's report has words of its own.
      '5.7.1': ['5.7.1', expect.stringMatching(/^(rejected|securityerror)$/)],
      delayed: ['4.4.1', 'expired'],
    }
    for (const [at, name] of names.entries()) {
      const [, code = '', form = ''] = /^bounce\+(\d+(?:\.\d+)*|delayed)\.(\w+)@/.exec(name) ?? []
      const [deliverystatus, reason] = REASONS[code as keyof typeof REASONS]
      const action = code === 'delayed' ? 'delayed' : 'failed'
      expect(found[at], name).toMatchObject({ recipient: name, deliverystatus, reason, action })
      if (KNOWN[form] && action === 'failed') expect(found[at]?.decodedby, name).toBe(KNOWN[form])
    }
  })

  test.runIf(needsModule('perl', 'Mail::DeliveryStatus::BounceParser'))('BounceParser', async () => {
    const found = await read('perl', ['-e', BOUNCE_PARSER])
    found.pop()
    for (const [at, name] of names.entries()) {
      const isBounce = name.includes('delayed') ? 0 : 1
      expect(found[at], name).toMatchObject({ isBounce })
      if (name.includes('5.1.1')) expect(found[at]?.reasons, name).toEqual([`${name} user_unknown`])
    }
  })
})
