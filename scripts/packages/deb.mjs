import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { packageEach, put, run, settle } from './common.mjs'
import { copyright } from './copyright.mjs'
import { writeTree } from './tree.mjs'

const ARCHITECTURES = { 'linux-x64': 'amd64', 'linux-arm64': 'arm64' }
const SCRIPTS = ['postinst', 'prerm', 'postrm']

/** deb-version(7): a pre-release sorts before its release. */
export const packageVersion = (version) => version.replace('-', '~')

export const description = `SMTP, POP3, IMAP4 and NNTP with real TLS in one process, for tests of programs
that send and read mail. No mail leaves the machine, and the lab says why each
client was accepted or refused.`

/** deb-control(5). The libraries are those of the official builds of Node.js. */
const control = ({ version, repository, architecture, kilobytes }) => `Package: sealpost
Version: ${packageVersion(version)}
Section: mail
Priority: optional
Architecture: ${architecture}
Maintainer: Sealpost <${repository.split('/')[0].toLowerCase()}@users.noreply.github.com>
Homepage: https://github.com/${repository}
Installed-Size: ${kilobytes}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 6), libatomic1
Description: mock mail and news server lab that serves any certificate
${description.replace(/^/gm, ' ')}
`

const changelog = ({ version, repository, epoch }) => `sealpost (${packageVersion(version)}) unstable; urgency=medium

  * https://github.com/${repository}/releases/tag/v${version}

 -- Sealpost <${repository.split('/')[0].toLowerCase()}@users.noreply.github.com>  ${new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')}
`

/** Returns the regular files of a folder, relative to it. */
const filesIn = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((path) => lstatSync(join(folder, path)).isFile())
    .sort()

/** Makes a Debian package of each Linux binary with dpkg-deb. */
export const makeDebs = (release) =>
  packageEach(release, ARCHITECTURES, (architecture) => `sealpost_${architecture}.deb`, makeDeb)

async function makeDeb(folder, binary, deb, release) {
  await writeTree(folder, binary, 'usr/share/zsh/vendor-completions', release)
  put(folder, 'usr/share/doc/sealpost/copyright', copyright(release))
  put(folder, 'usr/share/doc/sealpost/changelog.gz', gzipSync(changelog(release), { level: 9 }))
  put(folder, 'usr/share/lintian/overrides/sealpost', readFileSync('packaging/deb/lintian-overrides'))
  const files = filesIn(folder)
  const kilobytes = files.reduce((sum, path) => sum + Math.ceil(lstatSync(join(folder, path)).size / 1024), 0)
  const sums = files
    .filter((path) => !path.startsWith('etc/'))
    .map(
      (path) =>
        `${createHash('md5')
          .update(readFileSync(join(folder, path)))
          .digest('hex')}  ${path}\n`,
    )
  put(folder, 'DEBIAN/control', control({ ...release, kilobytes }))
  put(folder, 'DEBIAN/conffiles', '/etc/sealpost/sealpost.yaml\n')
  put(folder, 'DEBIAN/md5sums', sums.join(''))
  for (const script of SCRIPTS) put(folder, `DEBIAN/${script}`, readFileSync(`packaging/deb/${script}`), 0o755)
  settle(folder, release.epoch)
  const env = { SOURCE_DATE_EPOCH: `${release.epoch}` }
  run('dpkg-deb', ['--root-owner-group', '-Zxz', '--build', folder, deb], { env })
  return deb
}
