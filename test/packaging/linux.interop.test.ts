import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needs } from '../support/programs.ts'
import { runProgram } from '../support/run-program.ts'
import { canCopyMachine, onMachineCopy } from './machine-copy.ts'
import { makePackages, repository, writeStandIn } from './packages.ts'

const folder = mkdtempSync(join(tmpdir(), 'sealpost-packages-'))
const [first, second] = [join(folder, 'first'), join(folder, 'second')]
const deb = join(first, 'sealpost_amd64.deb')
const rpm = join(first, 'sealpost.x86_64.rpm')
const { version } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as { version: string }
const kinds = [...(needs('dpkg-deb') ? ['deb'] : []), ...(needs('rpmbuild') ? ['rpm'] : [])]

/** Shell functions: the service as its unit starts it, without systemd; a mail to it; the package with another version. */
const FUNCTIONS = String.raw`
log=/run/service.log
unit=/usr/lib/systemd/system/sealpost.service
service() {
  : >$log
  install -d -o 61184 -g 61184 -m 700 /var/lib/sealpost /run/sealpost
  env -i PATH="$PATH" $(sed -n 's/^Environment=//p' $unit) setpriv --reuid 61184 --regid 61184 --clear-groups \
    --inh-caps=-all,+net_bind_service --ambient-caps=+net_bind_service --bounding-set=-all,+net_bind_service --no-new-privs \
    sh -c "cd /var/lib/sealpost && exec $(sed -n 's/^ExecStart=//p' $unit)" >$log 2>&1 &
  pid=$!
  for _ in $(seq 600); do
    if grep -qx ready $log; then return; fi
    kill -0 $pid 2>/dev/null || break
    sleep 0.1
  done
  cat $log >&2
  exit 1
}
end() { kill $pid; wait $pid; }
mail() { printf 'Subject: %s\n\nHi.\n' "$2" | curl -sS "smtp://127.0.0.1:$1" --mail-from a@lab.test --mail-rcpt b@lab.test -T -; }
`

const HAS_NOTHING = `
test ! -e /usr/bin/sealpost
test ! -e /usr/lib/systemd/system/sealpost.service
test ! -e /etc/systemd/system/multi-user.target.wants/sealpost.service`

beforeAll(async () => {
  const binaries = join(folder, 'binaries')
  writeStandIn(binaries, 'sealpost-linux-x64')
  if (kinds.length === 0) return
  await makePackages(kinds, binaries, first)
  await makePackages(kinds, binaries, second)
}, 300_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.runIf(kinds.length > 0)('packages of the same binary are equal octet for octet', () => {
  for (const path of [deb, rpm].slice(0, kinds.length)) {
    expect(readFileSync(path).equals(readFileSync(path.replace(first, second)))).toBe(true)
  }
})

describe.runIf(needs('dpkg-deb'))('the package for Debian', () => {
  test.runIf(needs('lintian'))('has no fault that lintian knows', async () => {
    const { stdout, stderr } = await runProgram('lintian', ['--allow-root', '--fail-on', 'none', deb])
    expect(
      stdout
        .split('\n')
        .filter((line) => /^[EW]: /.test(line))
        .concat(stderr || []),
    ).toEqual([])
  })

  test.runIf(needs('mandoc'))('has a manual page of each command, without warnings of mandoc', async () => {
    const script = `dpkg-deb --fsys-tarfile '${deb}' | tar -xC '${folder}' ./usr/share/man
      cd '${folder}/usr/share/man/man1' && gunzip *.gz && mandoc -T lint -W warning *.1; ls`
    const { stdout, stderr } = await runProgram('bash', ['-c', script])
    expect(stderr).toBe('')
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['sealpost.1', 'sealpost-cert.1', 'sealpost-start.1']))
    expect(stdout).not.toMatch(/WARNING|ERROR/)
    const page = await runProgram('mandoc', ['-T', 'ascii', join(folder, 'usr/share/man/man1/sealpost-cert.1')])
    const text = page.stdout.replace(/.\x08/g, '')
    expect(text).toMatch(
      /^CERT ISSUE$[^]*sealpost cert issue \[options\][^]*--san <name\.\.\.>\n +additional host names/m,
    )
  })

  test.runIf(canCopyMachine)('is installed, upgraded, removed and purged', async () => {
    const said = await onMachineCopy(
      `${FUNCTIONS}
      dpkg -i "$1" >&2
      sealpost --version
      bash -c '. /usr/share/bash-completion/completions/sealpost; complete -p sealpost'
      if command -v systemd-analyze >/dev/null; then
        systemd-analyze verify --man=no $unit
        systemd-analyze security --offline=true --threshold=20 $unit >/run/security || { cat /run/security; false; }
      fi

      # On its own ports, and as the user of the service on the standard ones.
      service
      mail 3025 first
      end
      sed -i 's/^portOffset: .*/portOffset: 0 # changed/' /etc/sealpost/sealpost.yaml
      service
      mail 25 second
      curl -sS http://127.0.0.1:5025/api/v1/messages | grep -oE 'first|second' | sort -u | xargs
      end
      systemctl --quiet enable sealpost.service

      # A newer version: the changed configuration and the mail stay.
      dpkg-deb -R "$1" /tmp/newer && sed -i 's/^Version: .*/&+newer/' /tmp/newer/DEBIAN/control
      echo '# new default' >>/tmp/newer/etc/sealpost/sealpost.yaml
      dpkg-deb --root-owner-group -b /tmp/newer /tmp/newer.deb >&2
      dpkg -i --force-confold /tmp/newer.deb >&2
      dpkg-query -W -f '\${Version} \${db:Status-Status}\\n' sealpost
      grep -c '# changed' /etc/sealpost/sealpost.yaml
      service
      end

      dpkg -r sealpost >&2
      ${HAS_NOTHING}
      test -e /etc/sealpost/sealpost.yaml && test -e /var/lib/sealpost/messages
      dpkg -P sealpost >&2
      test ! -e /etc/sealpost && test ! -e /var/lib/sealpost && test ! -e /usr/share/doc/sealpost
      ! dpkg-query -W sealpost 2>/dev/null && echo purged`,
      deb,
    )
    const lines = said.trim().split('\n')
    expect(lines).toEqual([
      version,
      'complete -o default -F _sealpost sealpost',
      'first second',
      `${version}+newer installed`,
      '1',
      'purged',
    ])
  })
})

describe.runIf(needs('rpmbuild'))('the package for RPM', () => {
  test.runIf(canCopyMachine)('is installed, upgraded and removed', async () => {
    const said = await onMachineCopy(
      `${FUNCTIONS}
      # rpm knows no packages of this machine.
      rpm="rpm --dbpath /run/rpm --nodeps --ignorearch"
      $rpm -i "$1"
      sealpost --version
      rpm --dbpath /run/rpm -q --qf '%{VERSION} %{LICENSE}\\n' sealpost
      rpm --dbpath /run/rpm -q --configfiles sealpost
      rpm --dbpath /run/rpm -q --requires sealpost | grep -v '^rpmlib\\|^/bin/sh\\|^config'
      service
      mail 3025 first
      end
      systemctl --quiet enable sealpost.service
      echo '# changed' >>/etc/sealpost/sealpost.yaml
      $rpm -U --force "$1"
      grep -c '# changed' /etc/sealpost/sealpost.yaml
      rpm --dbpath /run/rpm --nodeps -e sealpost 2>/dev/null
      ${HAS_NOTHING}
      test -e /etc/sealpost/sealpost.yaml.rpmsave && echo removed`,
      rpm,
    )
    expect(said.trim().split('\n')).toEqual([
      version,
      `${version} MIT AND Apache-2.0 AND BSD-3-Clause AND ISC`,
      '/etc/sealpost/sealpost.yaml',
      'glibc >= 2.28',
      'libatomic',
      'libgcc',
      'libstdc++',
      '1',
      'removed',
    ])
  })
})
