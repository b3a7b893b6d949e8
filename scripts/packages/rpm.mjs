import { copyFileSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { packageEach, put, run, settle } from './common.mjs'
import { packageVersion } from './deb.mjs'
import { writeTree } from './tree.mjs'

const ARCHITECTURES = { 'linux-x64': 'x86_64', 'linux-arm64': 'aarch64' }

/** Makes an RPM package of each Linux binary with rpmbuild. */
export const makeRpms = (release) =>
  packageEach(release, ARCHITECTURES, (architecture) => `sealpost.${architecture}.rpm`, makeRpm)

async function makeRpm(folder, binary, rpm, { architecture, ...release }) {
  const tree = join(folder, 'tree')
  await writeTree(tree, binary, 'usr/share/zsh/site-functions', release)
  put(tree, 'usr/share/doc/sealpost/LICENSE', readFileSync('LICENSE'))
  settle(tree, release.epoch)
  const defines = {
    _topdir: folder,
    _rpmdir: folder,
    _rpmfilename: 'made.rpm',
    _buildhost: 'localhost',
    _dbpath: join(folder, 'db'),
    use_source_date_epoch_as_buildtime: '1',
    clamp_mtime_to_source_date_epoch: '1',
    // zstd, the default, needs rpm 4.14 or later.
    _binary_payload: 'w19.xzdio',
    tree,
    version_: packageVersion(release.version),
    homepage: `https://github.com/${release.repository}`,
  }
  const args = Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`])
  const env = { SOURCE_DATE_EPOCH: `${release.epoch}` }
  run('rpmbuild', ['-bb', '--target', `${architecture}-linux`, ...args, resolve('packaging/rpm/sealpost.spec')], {
    env,
  })
  copyFileSync(join(folder, 'made.rpm'), rpm)
  return rpm
}
