import { copyFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { binariesIn, inFolder, run, settle } from './common.mjs'

/** Makes an archive of each binary with its licence: `.tar.xz`, and `.zip` for Windows. */
export async function makeArchives({ binaries, out, epoch }) {
  const made = []
  for (const { target, file, isWindows } of binariesIn(binaries)) {
    const archive = join(out, `sealpost-${target}.${isWindows ? 'zip' : 'tar.xz'}`)
    await inFolder((folder) => {
      const name = isWindows ? 'sealpost.exe' : 'sealpost'
      copyFileSync(file, join(folder, name))
      copyFileSync('LICENSE', join(folder, 'LICENSE'))
      run('chmod', ['755', join(folder, name)])
      settle(folder, epoch)
      if (isWindows) run('zip', ['-9', '-X', '-q', 'archive.zip', name, 'LICENSE'], { cwd: folder, env: { TZ: 'UTC' } })
      else pack(join(folder, 'archive.tar.xz'), folder, [name, 'LICENSE'], epoch)
      copyFileSync(join(folder, isWindows ? 'archive.zip' : 'archive.tar.xz'), archive)
    })
    made.push(archive)
  }
  return made
}

/** Packs files so that the same content gives the same octets. */
function pack(archive, folder, names, epoch) {
  const owner = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', `--mtime=@${epoch}`]
  const env = { XZ_OPT: '-6 -T1', GZIP: '-9n' }
  run('tar', ['--auto-compress', ...owner, '-cf', archive, '-C', folder, ...names], { env })
}

/** Packs the Helm chart. `helm package` gives the same files. */
export function makeChart({ out, epoch }) {
  const chart = join(out, 'sealpost-chart.tgz')
  pack(chart, 'packaging/helm', [basename('packaging/helm/sealpost')], epoch)
  return [chart]
}
