import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../../support/run-program.ts'
import { mainFile, Workplace } from '../../support/sealpost.ts'

const place = new Workplace()

const script = fileURLToPath(new URL('use-lab.mjs', import.meta.url))
const resolvConf = place.write('resolv.conf', 'nameserver 198.51.100.53\noptions timeout:1 attempts:1\n')

interface Used {
  readonly said: Readonly<Record<string, string>>
  readonly subjects: readonly string[]
  readonly recipients: readonly string[]
  /** Packets that have left other than by loopback. */
  readonly packets: number
  /** The same after one packet on purpose. */
  readonly afterControl: number
}

/** Runs and uses a lab in a network namespace that has a way out. Names are asked for at an address behind it. */
async function useLab(config?: string): Promise<Used> {
  const inside = [process.execPath, script, mainFile, ...(config === undefined ? [] : [config])]
  const prepared = `mount --bind ${resolvConf} /etc/resolv.conf && exec "$@"`
  const { status, stdout, stderr } = await runProgram(
    'unshare',
    ['--map-root-user', '--net', '--mount', 'sh', '-c', prepared, 'sh', ...inside],
    { cwd: place.folder, env: { XDG_DATA_HOME: join(place.folder, 'data'), TMPDIR: place.folder } },
  )
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Used
}

describe('no packet leaves loopback', () => {
  it('in the default configuration, with every server in use', async () => {
    const used = await useLab()
    expect(used.subjects).toEqual(['stays here', 'stays here', 'stays here'])
    expect(used.said.imap4).toContain('Subject: stays here')
    expect(used.said.nntp).toMatch(/^211 1 /m)
    expect(used.recipients).toEqual([])
    expect(used.packets).toBe(0)
    expect(used.afterControl).toBe(1)
  })

  it('with a connector to a host on loopback', async () => {
    const used = await useLab(
      place.write(
        'connector.yaml',
        `certificates: memory
portOffset: 3000
directory: { accounts: [{ user: bob, password: secret }] }
news:
  groups: [{ name: lab.general }]
outgoing:
  connectors:
    - { name: outside, when: automatic, smartHost: { host: 127.0.0.1, port: 2525 } }
virtualServers:
  - { protocol: smtp }
  - { protocol: pop3 }
  - { protocol: imap4 }
  - { protocol: nntp }
  - { protocol: http, port: 5025, tlsPort: 5443 }
`,
      ),
    )
    expect(used.recipients).toEqual(['someone@example.com'])
    expect([used.packets, used.afterControl]).toEqual([0, 1])
  })
})
