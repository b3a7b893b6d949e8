import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startLab, type TestLab } from '../../../src/testing/index.ts'
import { newFolder } from '../../support/folder.ts'
import { freePort } from '../../support/free-ports.ts'
import { needs } from '../../support/programs.ts'
import { runProgram } from '../../support/run-program.ts'

let lab: TestLab
const folder = newFolder()
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

beforeAll(async () => {
  lab = await startLab({
    hostname: 'mail.lab.test',
    virtualServers: [{ protocol: 'smtp', port: 0 }],
    dns: {
      port: 0,
      dnssec: true,
      transfer: ['127.0.0.1'],
      zones: {
        'lab.test': {
          records: [
            '*.wild TXT "any; text"',
            'alias CNAME mail',
            'a.b.c A 127.0.0.3',
            `large TXT "${'x'.repeat(1500)}"`,
            'caa CAA 0 issuewild "ca.test; a=b"',
            'odd TYPE4711 \\# 3 010203',
            `keys TYPE44 \\# 22 0101${'ab'.repeat(20)}`,
            'esc\\.dot TXT "escaped"',
            'to-esc CNAME esc\\046dot',
            'uri NAPTR 10 20 "u" "E2U+sip" "!^.*$!sip:info@lab.test!" .',
            'web HTTPS 1 . alpn="h2,h3" port=8443 ipv4hint=127.0.0.1,127.0.0.2 ech=AAT+DQAA ipv6hint=::1',
            '_dns SVCB 1 Dns.Lab.Test. mandatory=alpn alpn=dot key4711="a b"',
            'alias-web HTTPS 0 web',
            'quoted TXT "back\\\\slash \\"quote\\" \\200"',
          ],
        },
        'sub.lab.test': { records: ['@ A 127.0.0.4'] },
      },
    },
  })
})
afterEach(() => lab.reset())
afterAll(() => lab.stop())

const at = (): string[] => [`@${lab.dns.endpoint.address}`, '-p', `${lab.dns.endpoint.port}`]

describe.skipIf(!needs('dig', 'delv'))('BIND: dig and delv', () => {
  const dig = async (...args: string[]) => (await runProgram('dig', [...at(), ...args])).stdout
  const delv = async (...args: string[]) => {
    const [name = '', , , , tag, algorithm, kind, digest] = lab.dns.trustAnchor().split(' ')
    const anchors = file(
      'anchors',
      `trust-anchors { "${name}" static-ds ${tag} ${algorithm} ${kind} "${digest?.trim()}"; };`,
    )
    const { stdout, stderr } = await runProgram('delv', [...at(), '-a', anchors, '+root=lab.test', ...args])
    return stdout + stderr
  }

  test('dig asks again by TCP for a truncated answer', async () => {
    expect(await dig('large.lab.test', 'TXT')).toContain('(TCP)')
    expect(await dig('large.lab.test', 'TXT', '+ignore')).toMatch(/flags: [a-z ]*\btc\b/)
  })

  test('dig understands cookies, client subnets, padding and keepalive', async () => {
    for (const option of ['+cookie', '+subnet=192.0.2.0/24', '+padding=128', '+keepalive', '+nsid', '+noedns']) {
      expect(await dig('lab.test', 'MX', option), option).toMatch(/status: NOERROR[\s\S]*10 mail\.lab\.test/)
    }
  })

  test('dig reads parameters of services', async () => {
    const answers = await Promise.all(
      ['web HTTPS', '_dns SVCB', 'alias-web HTTPS'].map((what) => {
        const [host, type = ''] = what.split(' ')
        return dig('+short', `${host}.lab.test`, type)
      }),
    )
    expect(answers.map((one) => one.trim())).toEqual([
      '1 . alpn="h2,h3" port=8443 ipv4hint=127.0.0.1,127.0.0.2 ech=AAT+DQAA ipv6hint=::1',
      '1 Dns.Lab.Test. mandatory=alpn alpn="dot" key4711="a b"',
      '0 web.lab.test.',
    ])
  })

  test.each([
    ['an address', 'mail.lab.test', 'A'],
    ['TLSA', '_25._tcp.mail.lab.test', 'TLSA'],
    ['an alias', 'alias.lab.test', 'A'],
    ['a wildcard', 'x.y.wild.lab.test', 'TXT'],
    ['a long record by TCP', 'large.lab.test', 'TXT'],
    ['CAA', 'caa.lab.test', 'CAA'],
    ['an unknown type', 'odd.lab.test', 'TYPE4711'],
    ['a type known by name and number', 'keys.lab.test', 'SSHFP'],
    ['escapes', 'quoted.lab.test', 'TXT'],
    ['an escaped period', 'esc\\.dot.lab.test', 'TXT'],
    ['an alias of an escaped name', 'to-esc.lab.test', 'TXT'],
    ['NAPTR', 'uri.lab.test', 'NAPTR'],
    ['HTTPS', 'web.lab.test', 'HTTPS'],
    ['SVCB', '_dns.lab.test', 'SVCB'],
    ['the key', 'lab.test', 'DNSKEY'],
    ['a zone below', 'sub.lab.test', 'A'],
  ])('delv validates %s', async (_, name, type) => {
    expect(await delv(name, type)).toMatch(/^; fully validated\n/)
  })

  test.each([
    ['a name that does not exist', 'nothing.lab.test', 'A'],
    ['a type that does not exist', 'mail.lab.test', 'TXT'],
    ['a name between others', 'c.lab.test', 'A'],
    ['a type that a wildcard does not have', 'x.wild.lab.test', 'A'],
    ['a name in the zone below', 'nothing.sub.lab.test', 'A'],
  ])('delv validates the proof for %s', async (_, name, type) => {
    expect(await delv(name, type)).toMatch(/^; negative response, fully validated\n/m)
  })

  test.each(['bogus-signature', 'expired-signature', 'missing-signature'] as const)(
    'delv refuses %s',
    async (defect) => {
      lab.dns.addDefect(defect)
      const found = await delv('mail.lab.test', 'A')
      expect(found).not.toMatch(/^; fully validated/m)
      expect(found).toMatch(/resolution failed/)
    },
  )
})

describe.skipIf(!needs('dig', 'named-checkzone', 'dnssec-verify'))('BIND: zones', () => {
  test('the exported zone file loads, and every record of it is signed', async () => {
    const exported = file('zone', lab.dns.zoneFile())
    const { stdout, status } = await runProgram('named-checkzone', ['-i', 'local', 'lab.test', exported])
    expect(stdout).toMatch(/loaded serial \d+ \(DNSSEC signed\)\nOK/)
    expect(status).toBe(0)
    const verified = await runProgram('dnssec-verify', ['-z', '-o', 'lab.test', exported])
    expect(verified.stderr + verified.stdout).toContain('Zone fully signed')
  })

  test('a transfer has the same records', async () => {
    const { stdout } = await runProgram('dig', [...at(), 'lab.test', 'AXFR', '+noall', '+answer', '+onesoa'])
    const transferred = await runProgram('dnssec-verify', ['-z', '-o', 'lab.test', file('axfr', stdout)])
    expect(transferred.stderr + transferred.stdout).toContain('Zone fully signed')
  })
})

describe.skipIf(!needs('unbound', 'dig'))('unbound', () => {
  test('validates the zones with the trust anchor of the lab, and fails for bogus ones', async () => {
    const port = await freePort()
    const config = file(
      'unbound.conf',
      `server:
  do-daemonize: no
  interface: 127.0.0.1@${port}
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: ""
  use-syslog: no
  do-not-query-localhost: no
  module-config: "validator iterator"
  trust-anchor-file: "${file('anchor', lab.dns.trustAnchor())}"
  local-zone: "test." nodefault
  cache-max-ttl: 0
  verbosity: 1
remote-control:
  control-enable: no
stub-zone:
  name: "lab.test"
  stub-addr: 127.0.0.1@${lab.dns.endpoint.port}
`,
    )
    const unbound = spawn('unbound', ['-d', '-c', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    try {
      for await (const line of unbound.stderr) if (`${line}`.includes('start of service')) break
      const ask = async (...args: string[]) =>
        (await runProgram('dig', ['@127.0.0.1', '-p', `${port}`, '+dnssec', ...args])).stdout
      expect(await ask('_25._tcp.mail.lab.test', 'TLSA')).toMatch(/status: NOERROR[\s\S]*flags: qr rd ra ad;/)
      expect(await ask('nothing.lab.test', 'A')).toMatch(/status: NXDOMAIN[\s\S]*flags: qr rd ra ad;/)
      expect(await ask('sub.lab.test', 'A')).toMatch(/status: NOERROR[\s\S]*flags: qr rd ra ad;/)
      lab.dns.addDefect('bogus-signature')
      expect(await ask('caa.lab.test', 'CAA')).toContain('status: SERVFAIL')
    } finally {
      unbound.kill()
      await once(unbound, 'exit')
    }
  })
})

/** Programs of the C library ask port 53 of the servers in /etc/resolv.conf only, so the lab runs in a namespace, which only root makes. */
const isRoot = process.getuid?.() === 0

describe.skipIf(!needs('unshare', 'ip', '/usr/sbin/posttls-finger') || !isRoot)('Postfix', () => {
  const finger = async (defects: readonly string[]): Promise<string> => {
    const config = file(
      'dane.yaml',
      `hostname: mail.lab.test
certificates: { store: memory, key: p256 }
virtualServers: [{ protocol: smtp }]
dns: { dnssec: true, zones: { lab.test: { defects: [${defects}] } } }
`,
    )
    const script = file(
      'finger.sh',
      `ip link set lo up
echo nameserver 127.0.0.1 > ${folder}/resolv.conf
mount --bind ${folder}/resolv.conf /etc/resolv.conf
rm -f ${folder}/ready
${process.execPath} dist/src/cli/main.js start --config ${config} > ${folder}/ready &
lab=$!
until grep -q ^ready ${folder}/ready; do kill -0 $lab || exit 1; sleep 0.1; done
/usr/sbin/posttls-finger -l dane -L summary -c lab.test
kill $lab
wait $lab
`,
    )
    const { stdout, stderr } = await runProgram('unshare', ['--net', '--mount', 'sh', script])
    return stdout + stderr
  }

  test('verifies the lab by DANE, with the lab as its resolver', async () => {
    expect(await finger([])).toContain('Verified TLS connection established to mail.lab.test[127.0.0.1]:25')
  })

  test('notices TLSA records that do not match', async () => {
    const said = await finger(['mismatching-tlsa'])
    expect(said).toContain('no matching DANE TLSA records')
    expect(said).toContain('Untrusted TLS connection established')
  })

  test('goes on without DANE if nothing is authenticated, and fails for bogus signatures', async () => {
    expect(await finger(['missing-tlsa'])).toContain('Untrusted TLS connection established')
    const said = await finger(['bogus-signature'])
    expect(said).toContain('Destination address lookup failed')
    expect(said).not.toContain('TLS connection established')
  })
})
