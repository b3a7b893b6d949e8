import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Tshark } from '../../core/sessions/tshark.ts'
import { newFolder } from '../../support/folder.ts'
import { needs } from '../../support/programs.ts'
import { HttpLab } from './client.ts'

let http: HttpLab
let folder: string
beforeAll(async () => {
  folder = newFolder()
  http = await HttpLab.start({
    testing: { packets: 'memory' },
    virtualServers: [{ protocol: 'smtp' }, { protocol: 'http', certificate: 'none' }],
  })
})
afterAll(() => http[Symbol.asyncDispose]())

describe.runIf(needs('tshark'))('tshark', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('decrypts the session that is downloaded: %s', async (version) => {
    const { tlsPort: port } = http.lab.server('smtp')
    for (const text of ['first mail', 'other mail']) {
      const transport = createTransport({
        ...http.lab.nodemailer('alice'),
        port,
        secure: true,
        tls: { ca: http.lab.ca, servername: 'localhost', minVersion: version, maxVersion: version },
      })
      await transport.sendMail({ from: 'alice@lab.test', to: 'bob@lab.test', subject: version, text })
    }
    const { body } = await http.request(`messages?query=${encodeURIComponent(`subject:${version} first`)}`)
    const answer = await fetch(`${http.base}/api/v1/sessions/${body.items[0].session}/capture`)
    const file = join(folder, `${version}.pcapng`)
    writeFileSync(file, Buffer.from(await answer.arrayBuffer()))
    const tshark = new Tshark(file, [{ protocol: 'smtp', port, implicitTls: true }])
    const plain = await tshark.followed(0)
    expect(plain).toContain('first mail')
    expect(plain).not.toContain('other mail')
    expect(await tshark.lines('smtp.req.command == "MAIL"')).toEqual([
      expect.stringMatching(/^C: MAIL FROM:<alice@lab.test>/),
    ])
    expect(await tshark.broken()).toEqual([])
  })
})
