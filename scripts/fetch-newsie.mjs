// Fetches newsie 1.2.1 (AGPL), an NNTP client that a test runs as a program of its own; it is no part of this one.
// For tests only: `node scripts/fetch-newsie.mjs`. It prints where its main file is.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const PACKAGE = 'newsie@1.2.1'
const SHA512 = '41jhtKmlpSc27oIBkp681fm4aLURPT/AgeBvSRicxNPWDVeHLaq7tSvG/OsEXz7g41thgv9JMV1ZjYSABMiYVA=='

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealpost')
const target = join(cache, 'newsie-1.2.1')

if (!existsSync(target)) {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'fetch-'))
  try {
    const packed = execFileSync('npm', ['pack', '--silent', PACKAGE], { cwd: folder, encoding: 'utf8' }).trim()
    const sha512 = createHash('sha512')
      .update(readFileSync(join(folder, packed)))
      .digest('base64')
    if (sha512 !== SHA512) throw new Error(`${PACKAGE} is not what it was: sha512 ${sha512}`)
    execFileSync('tar', ['xzf', packed], { cwd: folder })
    renameSync(join(folder, 'package'), target)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
console.log(join(target, 'dist/index.js'))
