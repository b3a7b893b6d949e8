import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HttpLab } from '../../servers/http/client.ts'
import { needs } from '../../support/programs.ts'
import { OpensslCms } from './openssl-cms.ts'

const HTML =
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>The code is 123456.</p>\r\n' +
  '--b\r\nContent-Type: text/csv; name=a.csv\r\n\r\n1,2\r\n--b--\r\n'

const basic = (user: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:secret`).toString('base64')}`,
})

describe.skipIf(!needs('openssl'))('S/MIME over HTTP', () => {
  let http: HttpLab
  let cms: OpensslCms
  let bob: Awaited<ReturnType<OpensslCms['user']>>
  let dora: Awaited<ReturnType<OpensslCms['user']>>

  beforeAll(async () => {
    http = await HttpLab.start({
      directory: { accounts: ['alice', 'bob', 'dora'].map((user) => ({ user, password: 'secret' })) },
    })
    cms = new OpensslCms(http.lab)
    ;[bob, dora] = await Promise.all([cms.user('bob'), cms.user('dora')])
    for (const { pkcs12 } of [bob, dora]) await http.lab.certificates.import(pkcs12, { password: 'secret' })
  })
  afterAll(async () => {
    cms[Symbol.dispose]()
    await http[Symbol.asyncDispose]()
  })

  const idOf = async (subject: string): Promise<string> =>
    (await http.request(`messages?query=subject:${encodeURIComponent(subject)}`)).body.items[0].id

  test('a message shows its signature, and what was encrypted', async () => {
    const alice = await cms.user('alice')
    await cms.send(await cms.encrypt([bob], await cms.sign(alice, HTML), ['-aes256']), { subject: 'sealed' })
    const path = `messages/${await idOf('sealed')}`
    const { body } = await http.request(path)
    expect(body.smime).toMatchObject({
      signature: 'valid',
      encryption: 'opened',
      layers: [
        { kind: 'encrypted', openedWith: 'bob' },
        { kind: 'signed', signers: [{ name: 'alice', valid: true }] },
      ],
    })
    expect([body.text.trim(), body.codes, body.hasHtml]).toEqual(['The code is 123456.', ['123456'], true])
    const file = body.attachments.find(({ filename }: { filename: string }) => filename === 'a.csv')
    expect((await http.request(`${path}/parts/${file.part}`)).body).toBe('1,2')
    expect((await http.request(`${path}/html`)).body).toContain('<p>The code is 123456.</p>')
    expect((await http.request(`${path}/structure`)).body.contentType).toBe('multipart/signed')
    // As it arrived.
    expect((await http.request(`${path}/raw`)).body).not.toContain('123456')
    expect((await http.request(`${path}/structure?opened=false`)).body.contentType).toBe('application/pkcs7-mime')
    expect((await http.request(`${path}?opened=false`)).body).toMatchObject({
      text: '',
      attachments: [{ filename: 'smime.p7m' }],
      smime: { encryption: 'opened' },
    })
  })

  test('an account opens mail only with keys for its own addresses', async () => {
    await cms.send(await cms.encrypt([dora], HTML, ['-aes256']), { subject: 'not for bob' })
    const path = `messages/${await idOf('not for bob')}`
    expect((await http.request(path)).body.smime.encryption).toBe('opened')
    const { body } = await http.request(path, { headers: basic('bob') })
    expect([body.smime.encryption, body.text]).toEqual(['closed', ''])
    await cms.send(await cms.encrypt([bob], HTML, ['-aes256']), { subject: 'to him' })
    const own = await http.request(`messages/${await idOf('to him')}`, { headers: basic('bob') })
    expect(own.body.smime.encryption).toBe('opened')
  })

  test('other mail has no S/MIME facts', async () => {
    await http.lab.deliver({ subject: 'plain', text: 'hello' }, 'bob')
    expect((await http.request(`messages/${await idOf('plain')}`)).body.smime).toBeNull()
  })
})
