import { describe, expect, test } from 'vitest'
import { LineEnds } from '../../../servers/smtp/line-ends.ts'
import { smtp } from '../../../servers/smtp/session.ts'
import { StoreError } from '../../../src/storage/store/errors.ts'
import { startMailLab } from '../../support/mail-lab.ts'
import { ask, greeted, reply, startData, withoutTrace } from './support.ts'

describe('DATA, RFC 5321 section 4.5.2', () => {
  test('twelve million bare LFs become CRLFs without as many pieces', () => {
    const octets = new LineEnds().normalize(Buffer.alloc(24 << 20, 'x\n'))
    expect(octets.length).toBe(36 << 20)
    expect(octets.subarray(0, 7).toString()).toBe('x\r\nx\r\nx')
    for (const pieces of [['\n\r\n\r\n\n'], ['\n', '\r', '\n\r', '', '\n', '\n']]) {
      const lineEnds = new LineEnds()
      const normalized = pieces.map((piece) => lineEnds.normalize(Buffer.from(piece)))
      expect(Buffer.concat(normalized).toString()).toBe('\r\n\r\n\r\n\r\n')
    }
  })

  test('every octet except a bare LF is kept', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await startData(client)
    const octets = String.fromCharCode(
      ...Array.from({ length: 256 }, (_, octet) => octet).filter((octet) => octet !== 10),
    )
    client.send(`Subject: all\r\n\r\n${octets}\r\n${'long '.repeat(300_000)}\r\n.\r\n`)
    expect((await reply(client))[0]).toMatch(/^250 /)
    const [mail] = await lab.inbox('alice')
    expect(withoutTrace(mail?.raw ?? '') === `Subject: all\r\n\r\n${octets}\r\n${'long '.repeat(300_000)}\r\n`).toBe(
      true,
    )
  })

  test.each([
    ['\n.\n', '\r\n.\r\n'],
    ['\n.\r\n', '\r\n.\r\n'],
    ['\r\n.\n', '\r\n\r\n'],
    ['\r\n.\r', '\r\n\r'],
    ['\r.\r\n', '\r.\r\n'],
    ['\r\n\0.\r\n', '\r\n\0.\r\n'],
  ])('SMTP smuggling: %j does not end a message', async (end, kept) => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await startData(client)
    client.send(
      `Subject: outer\r\n\r\nx${end}MAIL FROM:<evil@b.test>\r\nRCPT TO:<bob@lab.test>\r\nDATA\r\ninner\r\n.\r\n`,
    )
    expect((await reply(client))[0]).toMatch(/^250 2\.0\.0 OK/)
    await client.play('C: NOOP\nS: 250*')
    expect(await lab.inbox('bob')).toEqual([])
    const [mail] = await lab.inbox('alice')
    expect(withoutTrace(mail?.raw ?? '')).toBe(
      `Subject: outer\r\n\r\nx${kept}MAIL FROM:<evil@b.test>\r\nRCPT TO:<bob@lab.test>\r\nDATA\r\ninner\r\n`,
    )
  })

  test('a message at the size limit is accepted, stuffed dots not counted; a larger one is rejected, and the session goes on', async () => {
    await using lab = await startMailLab(smtp, { limits: { messageSize: 3_000 } })
    using client = await greeted(lab)
    const attempt = async (text: string): Promise<string> => {
      await startData(client)
      return ask(client, `${text.replace(/^\./gm, '..')}.`)
    }
    expect(await attempt('.\r\n'.repeat(1_000))).toMatch(/^250 /)
    expect(await attempt(`${'x'.repeat(2_998)}\r\n`)).toMatch(/^250 /)
    expect(await attempt(`${'x'.repeat(2_999)}\r\n`)).toMatch(/^552 5\.3\.4 /)
    expect(await attempt(`${'x'.repeat(500_000)}\r\n`)).toMatch(/^552 5\.3\.4 /)
    expect(await attempt('x\r\n')).toMatch(/^250 /)
    expect(await lab.inbox('alice')).toHaveLength(3)
  })
})

describe('a store that cannot keep the message', () => {
  test.each([
    ['no-space', '452 4.3.1'],
    ['read-only', '452 4.3.2'],
    ['failed', '451 4.3.0'],
    ['closed', '451 4.3.0'],
  ] as const)('%s: %s, and a second attempt succeeds', async (code, expected) => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    const append = lab.store.append.bind(lab.store)
    lab.store.append = () => Promise.reject(new StoreError(code, code))
    await startData(client)
    expect((await ask(client, 'x\r\n.')).startsWith(expected)).toBe(true)
    lab.store.append = append
    await startData(client)
    expect(await ask(client, 'x\r\n.')).toMatch(/^250 /)
  })

  test('250 comes only after the store has the message', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    const append = lab.store.append.bind(lab.store)
    let stored: () => void = () => {}
    let asked: () => void = () => {}
    const appending = new Promise<void>((resolve) => {
      asked = resolve
    })
    lab.store.append = async (batch) => {
      asked()
      await new Promise<void>((resolve) => {
        stored = resolve
      })
      return append(batch)
    }
    await startData(client)
    let answered = false
    const answer = ask(client, 'x\r\n.').finally(() => {
      answered = true
    })
    await appending
    expect(answered).toBe(false)
    stored()
    expect(await answer).toMatch(/^250 /)
  })
})

describe('BDAT, RFC 3030', () => {
  test('a hundred thousand chunks of one octet take little time', async () => {
    await using lab = await startMailLab(smtp)
    using client = await greeted(lab)
    await ask(client, 'MAIL FROM:<a@b.test>')
    await ask(client, 'RCPT TO:<alice@lab.test>')
    client.send(`${'BDAT 1\r\nx'.repeat(100_000)}BDAT 0 LAST\r\n`)
    await client.lines((line) => line.startsWith('250 2.0.0 OK'))
    expect((await lab.inbox('alice')).map(({ raw }) => withoutTrace(raw).trimEnd().length)).toEqual([100_000])
  })
})
