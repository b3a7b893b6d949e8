import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'
import { mainFile, Workplace } from '../../support/sealpost.ts'

const script = fileURLToPath(new URL('query-policy.mjs', import.meta.url))
const place = new Workplace()

/** Returns what postfix-mta-sts-resolver says of the policy of a lab. */
async function verdict(mtaSts: string): Promise<string> {
  const resolvConf = place.write('resolv.conf', 'nameserver 127.0.0.1\n')
  const config = place.write(
    'lab.yaml',
    `hostname: mx.lab.test
domain: lab.test
certificates: certs
outgoing:
  mtaSts: ${mtaSts}
dns: {}
virtualServers:
  - { protocol: smtp }
  - { protocol: http, port: off, tlsPort: 443 }
`,
  )
  const prepared = `mount --bind ${resolvConf} /etc/resolv.conf && exec "$@"`
  const inside = ['sh', '-c', prepared, 'sh', process.execPath, script, mainFile, config]
  const { status, stdout, stderr } = await runProgram('unshare', ['--map-root-user', '--net', '--mount', ...inside], {
    cwd: place.folder,
    env: { TMPDIR: place.folder, XDG_RUNTIME_DIR: '' },
  })
  expect(status, stderr).toBe(0)
  return stdout
}

describe.skipIf(!needs('mta-sts-query'))('postfix-mta-sts-resolver', () => {
  it('reads the policy of a lab', async () => {
    const said = await verdict("{ mode: enforce, mx: [mx.lab.test, '*.mail.lab.test'], maxAge: 1d }")
    expect(said).toMatch(/STSFetchResult\.VALID/)
    expect(said).toContain("'mx': ['mx.lab.test', '*.mail.lab.test'], 'version': 'STSv1', 'mode': 'enforce'")
  })

  it('refuses a policy with a defect', async () => {
    expect(await verdict('{ mode: enforce, defect: redirect }')).toMatch(/STSFetchResult\.FETCH_ERROR/)
  })
})
