import { chmodSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Workplace } from '../support/sealpost.ts'
import { SmtpSender } from '../support/smtp-sender.ts'

const CONFIG = `
store: { lmdb: data/mail }
certificates: keys/store
testing:
  packets: traffic.pcapng
directory: { accounts: [{ user: alice, password: secret }] }
virtualServers: [{ protocol: smtp, port: 0 }]
`

let place: Workplace
let umask: number
beforeEach(() => {
  place = new Workplace()
  umask = process.umask()
})
afterEach(() => {
  process.umask(umask)
})

/** Returns the files and folders that other users can reach. */
function openToOthers(): string[] {
  const paths = readdirSync(place.folder, { recursive: true, encoding: 'utf8' })
  return paths.filter((path) => {
    // The lab may delete a temporary file meanwhile.
    const mode = statSync(join(place.folder, path), { throwIfNoEntry: false })?.mode ?? 0
    return path !== 'lab.yaml' && (mode & 0o077) !== 0
  })
}

describe.skipIf(process.platform === 'win32')('files and folders', () => {
  test('are private, whatever the umask', async () => {
    const config = place.write('lab.yaml', CONFIG)
    process.umask(0)
    await using lab = await place.start(['--config', config])
    const sender = await SmtpSender.open(lab.endpoint('smtp').port ?? 0)
    expect(await sender.send(`Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(10_000)}`)).toMatch(/^250/)
    sender.close()
    const names = readdirSync(place.folder, { recursive: true, encoding: 'utf8' }).join('\n')
    for (const name of [/^data\/mail\/owner\.sock$/m, /^data\/mail\/messages\.mdb-lock$/m, /^sealpost-.*\.sock$/m]) {
      expect(names).toMatch(name)
    }
    expect(openToOthers()).toEqual([])
    expect(await lab.end()).toBe(0)
    const commands = [
      ['store', 'compact'],
      ['store', 'export', 'out', '--format', 'eml'],
      ['store', 'export', 'out', '--format', 'mbox'],
      ['client-settings', '--account', 'alice', '--write', 'settings/alice'],
    ]
    for (const command of commands) {
      const { status, stderr } = await place.run([...command, '--config', config])
      expect([status, stderr]).toEqual([0, ''])
    }
    expect(readdirSync(join(place.folder, 'data/mail'))).not.toContainEqual(expect.stringMatching(/^compact-/))
    expect(openToOthers()).toEqual([])
    expect(await place.run(['check', '--config', config])).toMatchObject({ status: 0, stderr: '' })
  })

  test('that are open to other users are reported by check and in the log', async () => {
    const config = place.write('lab.yaml', CONFIG)
    const [mail, keys] = ['data/mail', 'keys/store'].map((folder) => join(place.folder, folder))
    for (const folder of [mail, keys] as string[]) {
      mkdirSync(folder, { recursive: true })
      chmodSync(folder, 0o755)
    }
    const warnings = [
      `the folder with the messages, ${mail}, is open to other users (mode 0755); run: chmod -R go= '${mail}'`,
      `the folder with the private keys, ${keys}, is open to other users (mode 0755); run: chmod -R go= '${keys}'`,
    ]
    const { status, stderr } = await place.run(['check', '--config', config])
    expect(status).toBe(0)
    expect(stderr.split('\n')).toEqual([...warnings.map((text) => `warning: ${text}`), ''])
    await using lab = await place.start(['--config', config])
    expect(await lab.end()).toBe(0)
    const logged = lab.stderr.join('').trimEnd().split('\n')
    expect(logged.map((line) => JSON.parse(line).msg)).toEqual(expect.arrayContaining(warnings))
  })
})
