import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { type ProgramResult, runProgram } from './run-program.ts'

/** A Debian package that cannot be installed beside others, and the system users that it needs. */
interface UnpackedPackage {
  readonly name: string
  readonly users: readonly string[]
}

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sealpost', 'debian')

/**
 * Returns whether the package can be unpacked in a mount namespace; if not, says why, and the caller skips its tests.
 * Downloads it once.
 * @throws if it cannot, where all programs are expected (SEALPOST_ALL_CLIENTS=1)
 */
export function canUnpack({ name }: UnpackedPackage): boolean {
  const obstacle = obstacleTo(name)
  if (obstacle === undefined) return true
  if (process.env.SEALPOST_ALL_CLIENTS === '1') throw new Error(`${name}: ${obstacle}`)
  console.warn(`skipped, ${name}: ${obstacle}`)
  return false
}

function obstacleTo(name: string): string | undefined {
  if (spawnSync('unshare', ['-m', 'true']).status !== 0) return 'only root can make a mount namespace'
  if (archiveOf(name) !== undefined) return undefined
  mkdirSync(cache, { recursive: true })
  const { status, stderr } = spawnSync('apt-get', ['download', '-q', name], { cwd: cache, encoding: 'utf8' })
  return status === 0 ? undefined : `apt-get cannot download it: ${stderr}`
}

function archiveOf(name: string): string | undefined {
  const file = existsSync(cache) && readdirSync(cache).find((one) => one.startsWith(`${name}_`) && one.endsWith('.deb'))
  return file ? join(cache, file) : undefined
}

/**
 * Runs a shell script where the package lies over the files of the machine. What it writes outside /tmp vanishes at its end,
 * and so do the processes that it leaves behind.
 * @param folder a folder below /tmp for the files of this function
 */
export function runWithPackage(
  { name, users }: UnpackedPackage,
  folder: string,
  script: string,
): Promise<ProgramResult> {
  const passwd = users.map((user, index) => `${user}:x:${64_000 + index}:${64_000 + index}::/:/usr/sbin/nologin\n`)
  const group = users.map((user, index) => `${user}:x:${64_000 + index}:\n`)
  for (const [file, lines] of Object.entries({ passwd, group })) writeFileSync(join(folder, file), lines.join(''))
  writeFileSync(join(folder, 'script.sh'), script)
  const prologue = `set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root
for place in proc dev tmp; do mount --rbind /$place /mnt/root/$place; done
dpkg-deb -x ${archiveOf(name)} /mnt/root
cat ${folder}/passwd >>/mnt/root/etc/passwd
cat ${folder}/group >>/mnt/root/etc/group
exec chroot /mnt/root sh ${folder}/script.sh
`
  const namespace = ['unshare', '--mount', '--pid', '--fork', '--kill-child', 'sh', '-c', prologue]
  // Also if the test has been ended.
  return runProgram('timeout', ['--signal=KILL', '100', ...namespace])
}
