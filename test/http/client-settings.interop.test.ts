import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { needs } from '../support/programs.ts'
import { HttpLab } from './client.ts'

/** Prints what plistlib and ElementTree, which we did not write, read. */
const reader = `
import json, plistlib, sys, xml.etree.ElementTree as tree
kind, text = sys.argv[1], sys.stdin.buffer.read()
if kind == 'plist':
    print(json.dumps(plistlib.loads(text), default=lambda data: data.hex()))
else:
    print(json.dumps([[one.tag.split('}')[-1], one.text] for one in tree.fromstring(text).iter()]))
`
const read = (kind: string, text: string) =>
  JSON.parse(execFileSync('python3', ['-c', reader, kind], { input: text, encoding: 'utf8' }))

describe.runIf(needs('python3'))('readers of XML and property lists', () => {
  it('read the documents for mail programs', async () => {
    await using http = await HttpLab.start()
    const get = async (name: string): Promise<string> =>
      (await http.request(`client-settings/${name}?account=alice&password=true`)).body
    const { tlsPort } = http.lab.server('imap4')
    const profile = read('plist', await get('mobileconfig'))
    expect(profile.PayloadContent[0]).toMatchObject({
      PayloadType: 'com.apple.mail.managed',
      EmailAddress: 'alice@lab.test',
      IncomingMailServerPortNumber: tlsPort,
      IncomingMailServerUseSSL: true,
    })
    expect(profile.PayloadContent[1]).toMatchObject({ PayloadType: 'com.apple.security.root' })
    expect(profile.PayloadContent[1].PayloadContent).toMatch(/^3082/)
    for (const name of ['autoconfig', 'autodiscover']) {
      const elements = read('xml', await get(name)).map(
        ([tag, text]: [string, string]) => `${tag.toLowerCase()} ${text}`,
      )
      expect(elements).toContain(`port ${tlsPort}`)
    }
  })
})
