import { copyFileSync, readFileSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { put, run } from './common.mjs'
import { manualPages } from './man.mjs'

/** The program as it was built in this checkout. Its help and its completion are those of the binary. */
const MAIN = 'dist/src/cli/main.js'
const PROGRAM = 'dist/src/cli/program.js'

const completion = (shell) => run(process.execPath, [MAIN, 'completion', shell])

/** Files that do not depend on the architecture, made once. */
let shared

async function sharedFiles(release) {
  const pages = await manualPages(resolve(PROGRAM), release)
  return {
    'etc/sealpost/sealpost.yaml': readFileSync('packaging/sealpost.yaml'),
    'usr/lib/systemd/system/sealpost.service': readFileSync('packaging/systemd/sealpost.service'),
    'usr/share/bash-completion/completions/sealpost': completion('bash'),
    'usr/share/fish/vendor_completions.d/sealpost.fish': completion('fish'),
    'usr/share/doc/sealpost/reference.yaml': readFileSync('config/reference.yaml'),
    ...Object.fromEntries(
      [...pages].map(([name, text]) => [`usr/share/man/man1/${name}.gz`, gzipSync(text, { level: 9 })]),
    ),
  }
}

/**
 * Writes the files of a Linux package.
 * @param zsh the folder of completions for zsh, which differs between distributions
 */
export async function writeTree(folder, binary, zsh, release) {
  shared ??= await sharedFiles(release)
  for (const [path, content] of Object.entries(shared)) put(folder, path, content)
  put(folder, join(zsh, '_sealpost'), completion('zsh'))
  put(folder, 'usr/bin/sealpost', '', 0o755)
  copyFileSync(binary, join(folder, 'usr/bin/sealpost'))
  symlinkSync('sealpost', join(folder, 'usr/bin/sealpost-sendmail'))
}
