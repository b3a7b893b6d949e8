import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { needs } from '../../support/programs.ts'
import { HttpLab } from './client.ts'

let http: HttpLab
let folder: string
beforeAll(async () => {
  folder = newFolder()
  http = await HttpLab.start({ virtualServers: [{ protocol: 'http', certificate: 'none' }] })
})
afterAll(() => http[Symbol.asyncDispose]())

const python = (script: string): string => execFileSync('python3', ['-c', script, folder], { encoding: 'utf8' })

describe.runIf(needs('python3'))('Python', () => {
  it('writes an mbox file that is imported, with its flags', async () => {
    python(`
import mailbox, sys
box = mailbox.mbox(sys.argv[1] + '/in.mbox')
for n in range(3):
    m = mailbox.mboxMessage(b'Subject: m%d\\n\\nFrom me\\n' % n)
    m.add_flag('RF' if n else '')
    box.add(m)
box.flush()
`)
    const { status, body } = await http.request('messages/import?account=alice&quoting=mboxo', {
      body: readFileSync(join(folder, 'in.mbox')),
      headers: { 'content-type': 'application/mbox' },
    })
    expect([status, body]).toEqual([
      201,
      { delivered: [], messages: 3, known: 0, ids: Array(3).fill(expect.any(String)) },
    ])
    const { items } = (await http.request('messages?query=is:flagged')).body
    expect(items).toMatchObject([
      { subject: 'm2', read: true, snippet: 'From me' },
      { subject: 'm1', read: true, snippet: 'From me' },
    ])
  })

  it('reads a zip archive of .eml files', async () => {
    await http.lab.deliver({ subject: 'Größe', text: 'word '.repeat(10_000) }, { to: 'bob' })
    const answer = await fetch(`${http.base}/api/v1/messages/export`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account: 'bob', format: 'zip' }),
    })
    expect(answer.headers.get('content-type')).toBe('application/zip')
    expect(answer.headers.get('content-disposition')).toBe('attachment; filename="messages.zip"')
    const archive = Buffer.from(await answer.arrayBuffer())
    expect(archive.length).toBeLessThan(10_000)
    writeFileSync(join(folder, 'messages.zip'), archive)
    const [{ id }] = (await http.request('messages?account=bob')).body.items
    const said = python(`
import zipfile, sys, email, email.policy
with zipfile.ZipFile(sys.argv[1] + '/messages.zip') as archive:
    print(archive.testzip(), archive.namelist())
    for name in archive.namelist():
        print(email.message_from_bytes(archive.read(name), policy=email.policy.default)['Subject'])
        print(archive.getinfo(name).date_time[0])
`)
    expect(said.split('\n')).toEqual([`None ['${id}.eml']`, 'Größe', expect.stringMatching(/^20\d\d$/), ''])
  })
})
