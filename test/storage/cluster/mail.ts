import { expect, it } from 'vitest'
import type { Cluster } from '../../support/cluster.ts'
import type { ImapClient } from '../../support/imap-client.ts'
import { isLong } from '../../support/long.ts'
import { closing, messageOf, numberIn, uidOf } from './support.ts'

/** Defines the tests of mail. The first one needs that alice has no mail. */
export function mailOnNodes(cluster: () => Cluster): void {
  it('tells a client in IDLE on one node what another node delivers', async () => {
    await using clients = closing()
    const reader = clients.add(await cluster().a.imap())
    const sender = await cluster().b.smtp()
    await reader.ok('SELECT INBOX')
    await reader.idle()
    const times: number[] = []
    for (let round = 1; round <= (isLong ? 101 : 5); round++) {
      const started = performance.now()
      expect(await sender.send(messageOf(`idle ${round}`))).toMatch(/^250 /)
      const lines = await reader.until(/EXISTS$/)
      times.push(performance.now() - started)
      expect(lines.at(-1)).toBe(`* ${round} EXISTS`)
    }
    sender.close()
    times.sort((a, b) => a - b)
    const at = (share: number): string => (times[Math.floor((times.length - 1) * share)] as number).toFixed(1)
    if (isLong) console.info(`from MAIL on one node to EXISTS on another: median ${at(0.5)} ms, 95th ${at(0.95)} ms`)
    expect((await reader.done()).at(-1)).toMatch(/ OK /)
  })

  it('tells a client that uses NOTIFY about the mailboxes that it has not selected', async () => {
    await using clients = closing()
    const [reader, writer] = [clients.add(await cluster().a.imap()), clients.add(await cluster().b.imap())]
    for (const name of ['n-one', 'n-two']) await reader.ok(`CREATE ${name}`)
    await reader.ok('SELECT n-one')
    await reader.ok(
      'NOTIFY SET (selected (MessageNew MessageExpunge FlagChange)) (mailboxes n-two (MessageNew MessageExpunge)) (personal (MailboxName))',
    )
    expect(await writer.append('n-two', messageOf('other'))).toMatch(/^OK/)
    expect((await reader.until(/STATUS "?n-two/)).at(-1)).toMatch(/MESSAGES 1|UIDNEXT 2/)
    expect(await writer.append('n-one', messageOf('selected'))).toMatch(/^OK/)
    await reader.until(/^\* 1 EXISTS$/)
    await writer.ok('SELECT n-one')
    await writer.ok('UID STORE 1 +FLAGS (\\Flagged)')
    await reader.until(/^\* 1 FETCH .*\\Flagged/)
    await writer.ok('RENAME n-two n-three')
    await reader.until(/LIST .*n-three/)
  })

  it('synchronizes with QRESYNC on another node than the one that it left', async () => {
    await using clients = closing()
    const first = clients.add(await cluster().a.imap())
    await first.ok('CREATE resync')
    for (const subject of ['one', 'two', 'three'])
      expect(await first.append('resync', messageOf(subject))).toMatch(/^OK/)
    await first.ok('ENABLE QRESYNC')
    const selected = await first.ok('SELECT resync')
    const [validity, modSeq] = [numberIn(selected, /UIDVALIDITY (\d+)/), numberIn(selected, /HIGHESTMODSEQ (\d+)/)]
    first.destroy()

    const changer = clients.add(await cluster().b.imap())
    await changer.ok('SELECT resync')
    await changer.ok('UID STORE 1 +FLAGS.SILENT (\\Answered)')
    await changer.ok('UID STORE 2 +FLAGS.SILENT (\\Deleted)')
    await changer.ok('UID EXPUNGE 2')
    expect(uidOf(await changer.append('resync', messageOf('four')))).toBe(4)

    for (const node of cluster().nodes) {
      const again = clients.add(await node.imap())
      await again.ok('ENABLE QRESYNC')
      const lines = await again.ok(`SELECT resync (QRESYNC (${validity} ${modSeq}))`)
      expect(lines).toContain('* 3 EXISTS')
      expect(lines).toContain('* VANISHED (EARLIER) 2')
      const changes = lines.filter((line) => line.includes(' FETCH '))
      expect(changes.map((line) => numberIn([line], /UID (\d+)/)).sort()).toEqual([1, 4])
      expect(changes.find((line) => /UID 1\b/.test(line))).toContain('\\Answered')
      for (const line of changes) expect(numberIn([line], /MODSEQ \((\d+)\)/)).toBeGreaterThan(modSeq)
    }
  })

  it('lets one of two conditional STOREs win', async () => {
    await using clients = closing()
    const [one, two] = [clients.add(await cluster().a.imap()), clients.add(await cluster().b.imap())]
    await one.ok('CREATE races')
    await one.append('races', messageOf('race'))
    for (const client of [one, two]) {
      await client.ok('ENABLE CONDSTORE')
      await client.ok('SELECT races')
    }
    for (let round = 0; round < 15; round++) {
      const modSeq = numberIn(await one.ok('UID FETCH 1 (MODSEQ)'), /MODSEQ \((\d+)\)/)
      const answers = await Promise.all(
        [one, two].map((client, i) => client.ask(`UID STORE 1 (UNCHANGEDSINCE ${modSeq}) +FLAGS (k${round}-${i})`)),
      )
      const results = answers.map((lines) => lines.at(-1) as string)
      expect(results.filter((line) => line.startsWith('OK') && !line.includes('MODIFIED'))).toHaveLength(1)
      expect(results.filter((line) => /^(OK|NO) \[MODIFIED 1\]/.test(line))).toHaveLength(1)
    }
    await expectSame(one, two)
  })

  it('loses no flag that two nodes set at the same time, and numbers the changes alike on both', async () => {
    await using clients = closing()
    const [one, two] = [clients.add(await cluster().a.imap()), clients.add(await cluster().b.imap())]
    await one.ok('CREATE flags')
    for (let i = 0; i < 3; i++) await one.append('flags', messageOf(`flags ${i}`))
    for (const client of [one, two]) await client.ok('SELECT flags (CONDSTORE)')
    const names = Array.from({ length: 20 }, (_, i) => `key${i}`)
    await Promise.all(
      [one, two].map(async (client, i) => {
        for (const name of names) await client.ok(`STORE 1:3 +FLAGS.SILENT (${name}-${i})`)
      }),
    )
    const fetched = await expectSame(one, two)
    expect(fetched).toHaveLength(3)
    for (const line of fetched) {
      const flags = new Set(/FLAGS \(([^)]*)\)/.exec(line)?.[1]?.split(' '))
      expect(names.flatMap((name) => [0, 1].map((i) => `${name}-${i}`)).filter((name) => !flags.has(name))).toEqual([])
    }
  })

  it('never shows a uid below one that a client has already seen', async () => {
    await using clients = closing()
    const first = clients.add(await cluster().a.imap())
    await first.ok('CREATE numbers')
    const each = isLong ? 100 : 15
    const writers = await Promise.all(cluster().nodes.flatMap((node) => [node.imap(), node.imap(), node.imap()]))
    const readers = await Promise.all(cluster().nodes.map((node) => node.imap()))
    for (const client of [...writers, ...readers]) clients.add(client)
    let isOver = false
    const watch = readers.map(async (reader) => {
      await reader.ok('SELECT numbers')
      let known: number[] = []
      for (let isLast = false; !isLast; ) {
        isLast = isOver
        await reader.ok('NOOP')
        const now = uidsIn(await reader.ok('UID SEARCH ALL'))
        expect(now.slice(0, known.length), 'what was seen first stays first').toEqual(known)
        known = now
      }
      return known
    })
    const written = await Promise.all(
      writers.map(async (writer, i) => {
        const uids: number[] = []
        for (let n = 0; n < each; n++) uids.push(uidOf(await writer.append('numbers', messageOf(`${i}.${n}`))))
        expect([...uids].sort((a, b) => a - b)).toEqual(uids)
        return uids
      }),
    )
    isOver = true
    const all = written.flat().sort((a, b) => a - b)
    expect(all).toEqual(Array.from({ length: writers.length * each }, (_, i) => i + 1))
    for (const seen of await Promise.all(watch)) expect(seen).toEqual(all)
  })

  it('marks each message as \\Recent in one session of all nodes (RFC 3501 section 2.3.2)', async () => {
    await using clients = closing()
    const sessions = [clients.add(await cluster().a.imap()), clients.add(await cluster().b.imap())]
    const writer = clients.add(await cluster().b.imap())
    await writer.ok('CREATE recents')
    for (const session of sessions) await session.ok('SELECT recents')
    const rounds = 5
    const recents: number[] = []
    for (let round = 1; round <= rounds; round++) {
      for (const session of sessions) await session.idle()
      expect(await writer.append('recents', messageOf(`recent ${round}`))).toMatch(/^OK/)
      for (const [i, session] of sessions.entries()) {
        await session.until(new RegExp(`^\\* ${round} EXISTS$`))
        recents[i] = numberIn(await session.until(/ RECENT$/), /\* (\d+) RECENT/)
        await session.done()
      }
    }
    expect(recents.reduce((sum, recent) => sum + recent, 0)).toBe(rounds)
    // A session that begins on the node that did not see the message of the last round first.
    for (const node of cluster().nodes) {
      const later = clients.add(await node.imap())
      expect(await later.ok('STATUS recents (RECENT)')).toContain('* STATUS recents (RECENT 0)')
      expect(await later.ok('EXAMINE recents')).toContain('* 0 RECENT')
    }
  })

  it('moves, copies, expunges, renames and deletes for the clients of every node', async () => {
    await using clients = closing()
    const [watcher, worker] = [clients.add(await cluster().a.imap()), clients.add(await cluster().b.imap())]
    await watcher.ok('CREATE from-here')
    await watcher.ok('CREATE to-here')
    for (const subject of ['one', 'two', 'three']) await watcher.append('from-here', messageOf(subject))
    await watcher.ok('SELECT from-here')
    await worker.ok('SELECT from-here')
    await watcher.idle()
    expect((await worker.ok('UID MOVE 1 to-here')).join('\n')).toMatch(/COPYUID \d+ 1 1\]/)
    await watcher.until(/^\* 1 EXPUNGE$/)
    await worker.ok('UID STORE 2 +FLAGS (\\Deleted)')
    await watcher.until(/^\* 1 FETCH .*\\Deleted/)
    await worker.ok('EXPUNGE')
    await watcher.until(/^\* 1 EXPUNGE$/)
    await watcher.done()
    await worker.ok('UID COPY 3 to-here')
    expect(numberIn(await watcher.ok('STATUS to-here (MESSAGES UIDNEXT)'), /MESSAGES (\d+)/)).toBe(2)
    await worker.ok('RENAME to-here renamed')
    expect((await watcher.ok('LIST "" *')).join('\n')).toContain('renamed')
    expect((await watcher.ask('STATUS to-here (MESSAGES)')).at(-1)).toMatch(/^NO /)
    const kept = await watcher.ok('EXAMINE renamed')
    expect(kept).toContain('* 2 EXISTS')
    await watcher.ok('CLOSE')
    await worker.ok('DELETE renamed')
    expect((await watcher.ask('SELECT renamed')).at(-1)).toMatch(/^NO \[NONEXISTENT\]|^NO /)
  })

  it('gives the maildrop to one POP3 session of all nodes', async () => {
    await cluster().a.deliver(messageOf('for bob'), 'bob@lab.test')
    const [one, two] = [await cluster().a.client('pop3'), await cluster().b.client('pop3')]
    const ask = async (client: typeof one, line: string): Promise<string> => {
      client.send(`${line}\r\n`)
      return (await client.line()) ?? 'closed'
    }
    await ask(one, 'USER bob')
    expect(await ask(one, 'PASS geheim')).toMatch(/^\+OK/)
    await ask(two, 'USER bob')
    expect(await ask(two, 'PASS geheim')).toMatch(/^-ERR \[IN-USE\]/)
    expect(await ask(one, 'DELE 1')).toMatch(/^\+OK/)
    expect(await ask(one, 'QUIT')).toMatch(/^\+OK/)
    await ask(two, 'USER bob')
    expect(await ask(two, 'PASS geheim')).toMatch(/^\+OK/)
    expect(await ask(two, 'STAT')).toBe('+OK 0 0')
    for (const client of [one, two]) client.destroy()
  })
}

const uidsIn = (lines: readonly string[]): number[] =>
  (lines.find((line) => line.startsWith('* SEARCH'))?.slice('* SEARCH'.length) ?? '')
    .split(' ')
    .filter(Boolean)
    .map(Number)

/** Expects the same flags and modSeqs of all messages in two sessions. Returns the lines. */
async function expectSame(one: ImapClient, two: ImapClient): Promise<string[]> {
  const [left, right] = await Promise.all(
    [one, two].map(async (client) => {
      await client.ok('NOOP')
      const lines = await client.ok('UID FETCH 1:* (FLAGS MODSEQ)')
      // A change that the client has not been told yet is told once more.
      return [...new Set(lines.filter((line) => line.includes('MODSEQ (')).map(sortedFlags))]
    }),
  )
  expect(left).toEqual(right)
  return left ?? []
}

/** The order of flags has no meaning (RFC 9051 section 2.3.2), and `\Recent` belongs to one session. */
const sortedFlags = (line: string): string =>
  line.replace(/FLAGS \(([^)]*)\)/, (_, flags: string) => {
    const shared = flags.split(' ').filter((flag) => flag !== '\\Recent')
    return `FLAGS (${shared.sort().join(' ')})`
  })
