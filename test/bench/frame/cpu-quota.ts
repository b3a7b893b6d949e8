import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Short, so that a process that has used its part waits often instead of long. */
const PERIOD_MICROS = 20_000

interface Hierarchy {
  readonly root: string
  /** A file that it has. */
  readonly marker: string
  /** Makes the limits of the CPU available to new groups. */
  readonly prepare?: string
  /** The files of a group that limit it to a part of a core. */
  readonly limit: (quotaMicros: number) => Readonly<Record<string, string>>
}

/** Control groups of version 2 and of version 1. cgroups(7). */
const hierarchies: readonly Hierarchy[] = [
  {
    root: '/sys/fs/cgroup',
    marker: 'cgroup.subtree_control',
    prepare: '+cpu',
    limit: (quota) => ({ 'cpu.max': `${quota} ${PERIOD_MICROS}` }),
  },
  {
    root: '/sys/fs/cgroup/cpu',
    marker: 'cpu.cfs_quota_us',
    limit: (quota) => ({ 'cpu.cfs_period_us': String(PERIOD_MICROS), 'cpu.cfs_quota_us': String(quota) }),
  },
]

const put = (folder: string, file: string, text: string): void => writeFileSync(join(folder, file), text)

let groups = 0

/** Makes a group, which is removed when it is disposed of. It must be empty then. */
function newGroup() {
  const hierarchy = hierarchies.find(({ root, marker }) => existsSync(join(root, marker)))
  if (!hierarchy) throw new Error('there are no control groups of the CPU')
  const { root, marker, prepare } = hierarchy
  if (prepare !== undefined) put(root, marker, prepare)
  const folder = join(root, `sealpost-bench-${process.pid}-${++groups}`)
  mkdirSync(folder)
  return { ...hierarchy, folder, [Symbol.dispose]: () => rmdirSync(folder) }
}

/** Returns why `limitCpu` does not work here; undefined if it does. */
export function whyNoLimit(): string | undefined {
  try {
    using _ = newGroup()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Limits a process and its threads to a part of one core, until the result is disposed of. @throws as `whyNoLimit` says */
export function limitCpu(pid: number, cores: number): Disposable {
  const group = newGroup()
  const files = Object.entries(group.limit(Math.round(cores * PERIOD_MICROS)))
  for (const [file, text] of [...files, ['cgroup.procs', String(pid)] as const]) put(group.folder, file, text)
  return {
    [Symbol.dispose]() {
      put(group.root, 'cgroup.procs', String(pid))
      group[Symbol.dispose]()
    },
  }
}
