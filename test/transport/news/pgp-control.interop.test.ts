import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLab } from '../../../src/testing/start-lab.ts'
import { Article } from '../../../src/transport/news/article.ts'
import { verifySignature } from '../../../src/transport/news/pgp.ts'
import { newFolder } from '../../support/folder.ts'
import { LineClient } from '../../support/line-client.ts'
import { needs } from '../../support/programs.ts'

const PGPVERIFY = '/usr/lib/news/bin/pgpverify'
const NAMES = ['Subject', 'Control', 'Message-ID', 'Date', 'From', 'Sender']

describe.skipIf(!needs('gpg', 'gpgv'))('control messages signed by gpg', () => {
  let folder: string
  let key: string
  const gpg = (...args: string[]): Buffer =>
    execFileSync('gpg', [
      '--homedir',
      folder,
      '--batch',
      '--quiet',
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      '',
      ...args,
    ])
  beforeAll(() => {
    folder = newFolder()
    key = join(folder, 'key.asc')
    for (const user of ['admin@lab.test', 'other@lab.test']) gpg('--quick-gen-key', user, 'ed25519', 'sign', 'never')
    writeFileSync(key, gpg('--armor', '--export', 'admin@lab.test'))
    writeFileSync(join(folder, 'pubring.gpg'), gpg('--export', 'admin@lab.test'))
  })
  afterAll(() => {
    execFileSync('gpgconf', ['--homedir', folder, '--kill', 'all'])
  })

  let count = 0
  /** Returns a control message with a signature as pgpcontrol writes it. */
  function signed(control: string, signer = 'admin@lab.test', names = NAMES): string {
    const fields: Record<string, string> = {
      From: 'admin@lab.test',
      Subject: `cmsg ${control}`,
      Control: control,
      'Message-ID': `<${++count}@lab.test>`,
      Date: 'Wed, 25 Nov 2026 11:00:00 +0000',
    }
    const body = 'For your newsgroups file:\nlab.new\tBrand new  \n'
    const header = names.map((name) => `${name}: ${fields[name] ?? ''}`.trimEnd()).join('\n')
    const text = `X-Signed-Headers: ${names.join(',')}\n${header}\n\n${body.replace(/[ \t]+\n/g, '\n')}`
    writeFileSync(join(folder, 'text'), text)
    gpg(
      '--local-user',
      signer,
      '--armor',
      '--textmode',
      '--detach-sign',
      '--yes',
      '-o',
      join(folder, 'sig'),
      join(folder, 'text'),
    )
    const lines = readFileSync(join(folder, 'sig'), 'utf8').trim().split('\n')
    const base64 = lines.slice(lines.indexOf('') + 1, -1)
    const sig = `X-PGP-Sig: GnuPG ${names.join(',')}\n${base64.map((line) => `\t${line}`).join('\n')}`
    const shown = Object.entries({ ...fields, Newsgroups: 'lab.new', Approved: 'admin@lab.test' })
    return [...shown.map(([name, value]) => `${name}: ${value}`), sig, '', body].join('\n').replaceAll('\n', '\r\n')
  }

  it('are executed; others, changed ones and those of other keys are not', async () => {
    await using lab = await startLab({
      news: {
        groups: [{ name: 'lab.old' }],
        control: ['newgroup', 'rmgroup'],
        senders: [{ from: 'admin@lab.test', groups: 'lab.*', keyFile: key }],
      },
    })
    using client = await LineClient.greeted(lab.server('nntp').port)
    const post = async (article: string): Promise<void> => {
      await client.play('C: POST\nS: 340 *')
      client.send(`${article}.\r\n`)
      expect(await client.line()).toMatch(/^240 /)
    }
    await post(signed('rmgroup lab.old', 'other@lab.test'))
    await post(signed('rmgroup lab.other').replaceAll('lab.other', 'lab.old'))
    await post(signed('rmgroup lab.old').replace(/X-PGP-Sig: [^:]*\r\n(?=\r\n)/, ''))
    await post(signed('rmgroup lab.old', 'admin@lab.test', ['Subject', 'Message-ID', 'From']))
    await client.play('C: GROUP lab.old\nS: 211 *')
    await post(signed('newgroup lab.new'))
    await post(signed('rmgroup lab.old'))
    await client.play('C: GROUP lab.old\nS: 411 *\nC: LIST NEWSGROUPS lab.new\nS: 215 *\nS: lab.new\tBrand new  \nS: .')
  })

  it.skipIf(!needs(PGPVERIFY))('count for INN exactly if they count for the lab', async () => {
    // Its configuration names gpg 1, which Debian does not install with it.
    const inn = join(folder, 'inn')
    mkdirSync(join(inn, 'pgp'), { recursive: true, mode: 0o700 })
    mkdirSync(join(inn, 'INN'))
    copyFileSync(join(folder, 'pubring.gpg'), join(inn, 'pgp/pubring.gpg'))
    const settings = { gpgv: '/usr/bin/gpgv', newsetc: inn, pathtmp: inn }
    const perl = Object.entries(settings).map(([name, value]) => `our $${name} = "${value}";`)
    writeFileSync(join(inn, 'INN/Config.pm'), `package INN::Config;\n${perl.join('\n')}\n1;\n`)
    const program = readFileSync(PGPVERIFY, 'utf8').replace("use lib '/usr/share/perl5';", '')
    writeFileSync(join(inn, 'pgpverify'), program)
    const verdicts: boolean[] = []
    const good = signed('newgroup lab.new')
    const articles = [
      good,
      good.replace('Brand', 'Other'),
      signed('newgroup lab.new', 'other@lab.test'),
      signed('newgroup\n lab.new'),
    ]
    for (const article of articles) {
      const ours = verifySignature(new Article(Buffer.from(article)), key).then(
        () => true,
        () => false,
      )
      let theirs = true
      try {
        const input = article.replaceAll('\r\n', '\n')
        execFileSync('perl', ['-I', inn, join(inn, 'pgpverify')], { input, stdio: 'pipe' })
      } catch {
        theirs = false
      }
      expect(await ours).toBe(theirs)
      verdicts.push(theirs)
    }
    expect(verdicts).toEqual([true, false, false, true])
  })
})
