import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newFolder } from '../../support/folder.ts'
import { needs } from '../../support/programs.ts'
import { put, run } from '../../tls/pki/support.ts'
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
      (await http.request(`client-settings/${name}?account=alice&password=true&signed=false`)).body
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

describe.runIf(needs('openssl'))('openssl cms', () => {
  /** Verifies the profile of a lab with the roots that the lab shows. Returns the content that openssl read. */
  async function verified(http: HttpLab): Promise<string> {
    const folder = newFolder()
    const answer = await fetch(`${http.base}/api/v1/client-settings/mobileconfig?account=alice`)
    const profile = await put(folder, 'lab.mobileconfig', Buffer.from(await answer.arrayBuffer()))
    const ca = await put(folder, 'ca.pem', http.lab.ca)
    const out = join(folder, 'out')
    const verify = ['cms', '-verify', '-inform', 'der', '-in', profile, '-CAfile', ca, '-binary', '-out', out]
    const { code, err } = await run('openssl', verify)
    expect([code, err]).toEqual([0, expect.stringContaining('successful')])
    return readFileSync(out, 'utf8')
  }
  const unsigned = async (http: HttpLab): Promise<string> =>
    (await http.request('client-settings/mobileconfig?account=alice&signed=false')).body

  it.each(['rsa-2048', 'p256', 'p384', 'ed25519'] as const)(
    'verifies the profile by a root with a %s key',
    async (key) => {
      await using http = await HttpLab.start({ certificates: { store: 'memory', key } })
      expect(await unsigned(http)).toMatch(/^<\?xml [\s\S]*<\/plist>\n$/)
      expect(await verified(http)).toBe(await unsigned(http))
    },
  )

  it('verifies the profile by an authority below the root, and by a root with a new key', async () => {
    await using http = await HttpLab.start({ certificates: { store: 'memory', key: 'p256' } })
    const [root] = await http.lab.authorities.list()
    await http.lab.authorities.renew(root?.name ?? '', { newKey: true })
    expect(await verified(http)).toBe(await unsigned(http))
    await http.lab.authorities.createSubordinate({ name: 'Issuing CA', makeDefault: true })
    expect(await verified(http)).toBe(await unsigned(http))
  })

  it('rejects a profile that was changed', async () => {
    await using http = await HttpLab.start({ certificates: { store: 'memory', key: 'p256' } })
    const folder = newFolder()
    const answer = await fetch(`${http.base}/api/v1/client-settings/mobileconfig?account=alice`)
    const changed = Buffer.from(await answer.arrayBuffer())
    changed.write('evil.', changed.indexOf('<string>localhost') + '<string>'.length)
    const profile = await put(folder, 'lab.mobileconfig', changed)
    const ca = await put(folder, 'ca.pem', http.lab.ca)
    const { code, err } = await run('openssl', ['cms', '-verify', '-inform', 'der', '-in', profile, '-CAfile', ca])
    expect([code, err]).toEqual([4, expect.stringContaining('content verify error')])
  })
})
