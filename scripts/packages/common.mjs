import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { publishedAt, UNKNOWN_REPOSITORY } from '../install-lines.mjs'

/** Returns the version, the repository on GitHub and the time of the sources, in seconds. */
export function release(repository = publishedAt ?? UNKNOWN_REPOSITORY) {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
  const seconds = process.env.SOURCE_DATE_EPOCH || run('git', ['log', '-1', '--format=%ct']).trim()
  return { version, repository, epoch: Number(seconds) }
}

/** Returns the standard output of a program. @throws Error with its errors if it fails */
export function run(program, args, { env, ...options } = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    env: { ...process.env, ...env },
    ...options,
  })
  if (status !== 0) throw new Error(`${[program, ...args].join(' ')} failed: ${error?.message ?? stdout + stderr}`)
  return stdout
}

/** Runs work in a temporary folder. */
export async function inFolder(work) {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-package-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Writes a file with everything above it. */
export function put(folder, path, content, mode = 0o644) {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  chmodSync(file, mode)
  return file
}

/** Sets the time of everything in a folder, and modes that do not depend on the umask. */
export function settle(folder, epoch) {
  run('chmod', ['-R', 'u+rwX,go+rX,go-w', folder])
  const paths = run('find', [folder, '-depth']).trim().split('\n')
  for (const path of paths) if (existsSync(path)) utimesSync(path, epoch, epoch)
}

/** Platforms and architectures of Node.js, with the binary of each. */
const TARGETS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64', 'win32-x64']

/** Returns the binaries in a folder. */
export const binariesIn = (folder) =>
  TARGETS.map((target) => ({
    target,
    file: join(folder, `sealpost-${target}${target.startsWith('win32') ? '.exe' : ''}`),
  }))
    .filter(({ file }) => existsSync(file))
    .map((found) => ({ ...found, isWindows: found.target.startsWith('win32') }))

/**
 * Makes a package of each binary whose target has an architecture.
 * @param nameOf returns the file's name for an architecture
 * @param make makes one package in an empty folder
 */
export async function packageEach({ binaries, out, ...release }, architectures, nameOf, make) {
  const made = []
  for (const { target, file } of binariesIn(binaries)) {
    const architecture = architectures[target]
    if (architecture === undefined) continue
    const result = join(out, nameOf(architecture))
    made.push(await inFolder((folder) => make(folder, file, result, { ...release, architecture })))
  }
  return made
}
