import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { MessageAuthentication } from '../../../src/mail/format/authentication-results.ts'
import { corpus } from '../../support/corpus.ts'
import { DEBIAN_PYTHON, needsFile, needsModule } from '../../support/programs.ts'
import { authenticationWith } from './authentication.ts'

type Records = Record<string, { txt?: string[]; a?: string[]; mx?: string[] }>

const RECORDS: Records = {
  'signer.test': { txt: ['v=spf1 ip4:192.0.2.7 a:mx.signer.test include:other.test -all'] },
  'mx.signer.test': { a: ['192.0.2.8'] },
  'other.test': { txt: ['v=spf1 ip4:192.0.2.16/28 ?all'] },
  'soft.test': { txt: ['v=spf1 exists:%{i}.ok.test ~all'] },
  '192.0.2.9.ok.test': { a: ['127.0.0.2'] },
  'even.test': { txt: ['v=spf1 ?all'] },
  'broken.test': { txt: ['v=spf1 nothing:here -all'] },
  'loop.test': { txt: ['v=spf1 redirect=loop.test'] },
  '_dmarc.signer.test': { txt: ['v=DMARC1; p=reject'] },
  '_dmarc.soft.test': { txt: ['v=DMARC1; p=quarantine; adkim=s; aspf=s'] },
}

const CLIENTS = ['192.0.2.7', '192.0.2.8', '192.0.2.9', '192.0.2.17', '203.0.113.1']
const SENDERS = ['a@signer.test', 'a@soft.test', 'a@even.test', 'a@broken.test', 'a@loop.test', 'a@unknown.test']

const CANONICALIZATIONS = ['relaxed/relaxed', 'relaxed/simple', 'simple/relaxed', 'simple/simple'] as const

interface Case {
  readonly raw: Buffer
  readonly address: string
  readonly from: string
}

interface Verdict {
  readonly dkim: readonly boolean[]
  readonly opendkim?: readonly boolean[] | null
  readonly arc: string
  readonly spf: string
  readonly dmarc: string
}

const lab = authenticationWith({
  records: RECORDS,
  dkim: CANONICALIZATIONS.flatMap((canonicalization, index) => [
    { domain: 'signer.test', selector: `r${index}`, canonicalization },
    { domain: 'signer.test', selector: `e${index}`, algorithm: 'ed25519', canonicalization },
  ]),
  arc: { domain: 'signer.test' },
})

/** Changes a message so that it is from a domain. */
const from = (raw: Buffer, domain: string): Buffer => {
  const text = raw.toString('latin1').replace(/\r?\n/g, '\r\n')
  const end = text.indexOf('\r\n\r\n')
  const header = text
    .slice(0, end)
    .replace(/(^|\r\n)(?:from|arc-[\w-]+|dkim-signature):[^\r]*(?:\r\n[ \t][^\r]*)*/gi, '')
  return Buffer.from(`From: a@${domain}${header.startsWith('\r\n') ? '' : '\r\n'}${header}${text.slice(end)}`, 'latin1')
}

/** Returns signed, sealed and changed messages. */
async function cases(): Promise<Case[]> {
  const found: Case[] = []
  // Every eighth message: the judges take their time.
  for (const [index, { raw }] of corpus()
    .filter((_, at) => at % 8 === 0)
    .entries()) {
    const address = CLIENTS[index % CLIENTS.length] ?? ''
    const sender = SENDERS[index % SENDERS.length] ?? ''
    const own = from(raw, 'signer.test')
    const signed = Buffer.concat([await lab.signOutgoing([own]), own])
    const other = from(raw, 'soft.test')
    const envelope = { mailFrom: sender, client: { address, helo: 'mail.signer.test' } }
    const sealedOnce = Buffer.concat([await lab.signOutgoing([other], envelope), other])
    const sealed = Buffer.concat([await lab.signOutgoing([sealedOnce], envelope), sealedOnce])
    const changed = Buffer.concat([signed, Buffer.from('x\r\n')])
    for (const one of [signed, changed, sealed]) found.push({ raw: one, address, from: sender })
  }
  return found
}

const checked = async ({ raw, address, from: mailFrom }: Case): Promise<MessageAuthentication> => {
  const results = await lab.check([raw], { mailFrom, client: { address, helo: 'mail.signer.test' } })
  if (!results) throw new Error('not checked')
  return results
}

/** Asks a judge about messages. */
async function ask(
  program: string,
  script: string,
  judged: readonly Case[],
  results: readonly MessageAuthentication[],
): Promise<Verdict[]> {
  const keys = (await lab.keyRecords()).map(({ name, text }) => [name, { txt: [text] }])
  const requests = judged.map(({ raw, address, from: sender }, index) => ({
    raw: raw.toString('base64'),
    address,
    helo: 'mail.signer.test',
    from: sender,
    author: results[index]?.dmarc.domain,
    signers: results[index]?.dkim.map(({ domain, selector }) => [domain, selector]),
  }))
  const lines = [{ records: { ...RECORDS, ...Object.fromEntries(keys) } }, ...requests].map((one) =>
    JSON.stringify(one),
  )
  const { stdout, stderr, status } = spawnSync(program, [join(import.meta.dirname, script)], {
    input: `${lines.join('\n')}\n`,
    maxBuffer: 1 << 28,
  })
  expect(status, String(stderr)).toBe(0)
  return String(stdout)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Verdict)
}

describe.runIf(corpus().length > 0)('verdicts on mail of the corpus, signed, changed and sealed', () => {
  const all = cases()
  const own = all.then((judged) => Promise.all(judged.map(checked)))

  it.runIf(
    needsModule('python', 'dkim') &&
      needsModule('python', 'spf') &&
      needsFile('/usr/lib/x86_64-linux-gnu/libopendkim.so.11') &&
      needsFile('/usr/lib/x86_64-linux-gnu/libopendmarc.so.2'),
  )(
    'are those of dkimpy, pyspf, OpenDKIM and OpenDMARC',
    async () => {
      const [judged, results] = await Promise.all([all, own])
      const verdicts = await ask(DEBIAN_PYTHON, 'judges.py', judged, results)
      const expected = results.map(({ dkim, arc, spf, dmarc }, index) => ({
        dkim: dkim.map(({ result }) => result === 'pass'),
        opendkim: verdicts[index]?.opendkim && dkim.map(({ result }) => result === 'pass'),
        arc: arc.result,
        spf: spf.result,
        dmarc: dmarc.result === 'fail' ? dmarc.policy : dmarc.result,
      }))
      expect(verdicts).toEqual(expected)
      expect(verdicts.filter(({ opendkim }) => opendkim).length).toBeGreaterThan(verdicts.length / 2)
      expect(new Set(verdicts.map(({ spf }) => spf))).toEqual(
        new Set(['pass', 'fail', 'softfail', 'neutral', 'permerror', 'none']),
      )
      expect(new Set(verdicts.map(({ dmarc }) => dmarc))).toEqual(new Set(['pass', 'reject', 'quarantine']))
    },
    120_000,
  )

  it.runIf(needsModule('perl', 'Mail::DKIM'))(
    'are those of Mail::DKIM',
    async () => {
      const [judged, results] = await Promise.all([all, own])
      const verdicts = await ask('perl', 'judges.pl', judged, results)
      const expected = results.map(({ dkim, arc }) => ({
        dkim: dkim.map(({ result }) => result === 'pass'),
        arc: arc.result,
      }))
      expect(verdicts).toEqual(expected)
    },
    120_000,
  )
})
