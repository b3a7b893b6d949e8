import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { certificateFolder, type ResolvedLab } from '../../core/config/resolve.ts'
import { folderObstacle, statsOf, writeObstacle } from '../../core/files/file-obstacles.ts'
import { isLoopback } from '../../core/network/ip-address.ts'
import { distinct } from '../../core/values/distinct.ts'
import type { Finding } from './finding.ts'

/** Each connection needs a file of the process, and each virtual server takes up to 500 at a time by default. */
const ENOUGH_OPEN_FILES = 2048

/** Checks what the system gives to every process. */
export function checkMachine(): Finding[] {
  return [openFiles(), temporaryFolder()]
}

function openFiles(): Finding {
  const limit = openFilesLimit()
  if (limit === undefined) {
    return { check: 'machine', status: 'note', message: 'the limit of open files is not known on this system' }
  }
  const message = `the limit of open files is ${limit}`
  if (limit >= ENOUGH_OPEN_FILES) return { check: 'machine', status: 'ok', message }
  return {
    check: 'machine',
    status: 'warning',
    message: `${message}; each connection needs one, so a lab with many clients will refuse some`,
    fix: `ulimit -n ${ENOUGH_OPEN_FILES}`,
  }
}

function openFilesLimit(): number | undefined {
  try {
    const found = /^Max open files +(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    if (found === undefined) return undefined
    return found === 'unlimited' ? Number.POSITIVE_INFINITY : Number(found)
  } catch {
    return undefined // Only Linux has this file.
  }
}

/** Checks the folder for the control socket and large messages. */
function temporaryFolder(): Finding {
  const folder = process.env.XDG_RUNTIME_DIR || tmpdir()
  const own = join(folder, process.env.XDG_RUNTIME_DIR ? 'sealpost' : `sealpost-${process.getuid?.()}`)
  const why = folderObstacle(own) ?? (statsOf(own) ? writeObstacle(join(own, 'lab.sock')) : undefined)
  if (why === undefined) {
    return { check: 'machine', status: 'ok', message: `the control socket of a lab can be created in ${folder}` }
  }
  const variable = process.env.XDG_RUNTIME_DIR ? 'XDG_RUNTIME_DIR' : 'TMPDIR'
  return {
    check: 'machine',
    status: 'error',
    message: `the control socket of a lab cannot be created in ${folder}: ${why}`,
    fix: `set ${variable} to a folder that you can write to`,
  }
}

const DAY_MS = 86_400_000

/** Checks that the clock is not behind files of the lab: certificates would not be valid yet. */
export function checkClock({ certificates, store }: ResolvedLab, file: string | undefined): Finding {
  const onDisk = store !== 'memory' && 'lmdb' in store ? [store.lmdb] : []
  const paths = [file, certificateFolder(certificates), ...onDisk].filter((path) => path !== undefined)
  const latest = paths
    .flatMap((path) => {
      const time = statsOf(path)?.mtimeMs
      return time === undefined ? [] : [{ path, time }]
    })
    .sort((a, b) => b.time - a.time)[0]
  const now = Date.now()
  if (latest === undefined || latest.time <= now + DAY_MS) {
    return { check: 'clock', status: 'ok', message: `the clock says ${new Date(now).toISOString()}` }
  }
  return {
    check: 'clock',
    status: 'error',
    message: `the clock says ${new Date(now).toISOString()}, but ${latest.path} was written at ${new Date(latest.time).toISOString()}; certificates may not be valid yet`,
    fix: 'set the clock of the machine',
  }
}

/** Asks the resolver of the system for the addresses of the names that clients use. */
export async function checkNames({ hostname, alternativeNames, virtualServers }: ResolvedLab): Promise<Finding[]> {
  const isLocal = virtualServers.every(({ address }) => isLoopback(address))
  const names = distinct([hostname, ...alternativeNames]).filter((name) => name !== 'localhost' && isIP(name) === 0)
  const ofLab = names.filter((name) => !name.includes('*')).map((name) => nameOfLab(name, isLocal))
  return [await nameOfMachine(), ...(await Promise.all(ofLab))]
}

async function lookUpAddresses(name: string): Promise<string[]> {
  try {
    return (await lookup(name, { all: true })).map(({ address }) => address)
  } catch {
    return [] // No such name, or no resolver: clients of this machine cannot use it.
  }
}

async function nameOfMachine(): Promise<Finding> {
  const found = await lookUpAddresses('localhost')
  const message = `localhost is ${found.join(' and ')}`
  if (found.length > 0 && found.every(isLoopback)) return { check: 'names', status: 'ok', message }
  return {
    check: 'names',
    status: 'error',
    message: found.length > 0 ? `${message}, which is not this machine` : 'localhost has no address',
    fix: 'add to /etc/hosts: 127.0.0.1 localhost',
  }
}

async function nameOfLab(name: string, isLocal: boolean): Promise<Finding> {
  const found = await lookUpAddresses(name)
  if (found.length > 0) return { check: 'names', status: 'ok', message: `${name} is ${found.join(' and ')}` }
  return {
    check: 'names',
    status: 'note',
    message: `${name}, a name of the lab, has no address; clients of this machine must use localhost`,
    fix: `add to /etc/hosts: ${isLocal ? '127.0.0.1' : 'ADDRESS'} ${name}`,
  }
}
