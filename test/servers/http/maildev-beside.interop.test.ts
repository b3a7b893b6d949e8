import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createTransport, type SendMailOptions } from 'nodemailer'
import { describe, expect, it, vi } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { freePorts } from '../../support/free-ports.ts'
import { HttpLab } from './client.ts'

const versions = [
  { version: '3', program: 'dist/bin/maildev.js', list: '/api/email' },
  { version: '2', program: 'bin/maildev', list: '/email' },
]

const mails: SendMailOptions[] = [
  {
    to: ['Alice Ä <alice@lab.test>', 'bob@lab.test'],
    cc: 'dave@lab.test',
    bcc: 'erin@lab.test',
    subject: 'Grüße',
    text: 'Hällo\nzwei',
    html: '<p>Hällo</p><img src="cid:pic@lab.test">',
    inReplyTo: '<zero@lab.test>',
    references: ['<first@lab.test>', '<zero@lab.test>'],
    priority: 'high',
    headers: { 'X-Batch': ['a', 'b'], 'X-Name': 'ü' },
    attachments: [
      { filename: 'a b.txt', content: 'octets' },
      { filename: 'p.png', cid: 'pic@lab.test', content: Buffer.from('89504e47', 'hex') },
    ],
  },
  { to: 'alice@lab.test', subject: 'plain', text: 'only text' },
  { to: 'alice@lab.test', subject: 'both', text: 'a\nb', html: '<b>x</b>', priority: 'low' },
]

/** Keys whose values are chosen by the server. The lab adds two fields to the header. */
const OWN_KEYS = new Set(['id', 'source', 'size', 'sizeHuman', 'received', 'return-path'])
/** MailDev 2 makes names and ids of attachments at random. nodemailer makes the boundary. */
const RANDOM = /^[\da-f]{32}(?=\.|@mailparser$)|(?<=boundary=").*(?=")/

const comparable = (list: object[]): unknown =>
  JSON.parse(
    JSON.stringify(list, (key, value: unknown) => {
      if (OWN_KEYS.has(key)) return undefined
      return typeof value === 'string' ? value.replace(RANDOM, 'random') : value
    }),
  )

/** Starts MailDev of the npm registry, which is not a part of this project. */
async function startMailDev(version: string, program: string) {
  const folder = newFolder()
  const options = ['--silent', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder]
  execFileSync('npm', ['install', ...options, `maildev@${version}`], { stdio: 'ignore' })
  const [smtp = 0, web = 0] = await freePorts(2)
  const places = ['--ip', '127.0.0.1', '--web-ip', '127.0.0.1', '--mail-directory', join(folder, 'mail')]
  const file = join(folder, 'node_modules/maildev', program)
  const child = spawn(process.execPath, [file, '-s', `${smtp}`, '-w', `${web}`, ...places], { stdio: 'ignore' })
  return {
    smtp,
    base: `http://127.0.0.1:${web}`,
    async [Symbol.asyncDispose]() {
      child.kill()
      if (child.exitCode === null) await once(child, 'exit')
    },
  }
}

const answerOf = async (url: string): Promise<object[]> => {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  return (await response.json()) as object[]
}

describe.skipIf(process.env.SEALPOST_LONG !== '1')('beside the lab, for the same mail', () => {
  it.each(versions)(
    'MailDev $version gives the same answers, key by key',
    async ({ version, program, list }) => {
      await using maildev = await startMailDev(version, program)
      await using http = await HttpLab.start()
      const wait = { timeout: 60_000, interval: 200 }
      await vi.waitFor(async () => expect(await answerOf(`${maildev.base}${list}`)).toEqual([]), wait)
      for (const [at, mail] of mails.entries()) {
        const whole = {
          from: 'Carol <carol@lab.test>',
          messageId: `<m${at}@lab.test>`,
          date: new Date(1_767_323_045_000),
        }
        for (const port of [maildev.smtp, http.lab.server('smtp').port as number]) {
          const transport = createTransport({ host: '127.0.0.1', port, ignoreTLS: true, name: 'client.test' })
          await transport.sendMail({ ...whole, ...mail })
        }
      }
      await vi.waitFor(async () => expect(await answerOf(`${maildev.base}${list}`)).toHaveLength(mails.length), wait)
      const theirs = await answerOf(`${maildev.base}${list}`)
      expect(comparable(await answerOf(`${http.base}/maildev${list}`))).toEqual(comparable(theirs))
    },
    300_000,
  )
})
