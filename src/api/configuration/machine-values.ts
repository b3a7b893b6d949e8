import { isAbsolute } from 'node:path'
import type { Path } from '../../config/mistakes.ts'
import { pointerOf } from '../../config/mistakes.ts'
import type { ResolvedLab } from '../../config/resolve.ts'
import { secretFileKeys } from '../../config/secret-files.ts'
import type { Caller } from '../caller.ts'
import { ApiProblem } from '../problem.ts'

/** A value that makes the lab read or write a file of the machine, or run a program. */
interface MachineValue {
  readonly path: Path
  readonly value: string
}

/**
 * Checks that a change over HTTP names no file and no program that the configuration did not name before. Who administers
 * the lab over HTTP may not thereby use the machine.
 * @throws ApiProblem `forbidden`
 */
export function assertNoNewMachineValues({ virtualServer }: Caller, from: ResolvedLab, to: ResolvedLab): void {
  if (virtualServer === undefined) return
  // A file of one key must not become that of another: a preload would show the token in a tokenFile.
  const known = new Set(machineValues(from).map(useOf))
  const added = machineValues(to).filter((one) => !known.has(useOf(one)))
  if (added.length === 0) return
  const message = 'names a file, folder or program; this can be changed only on the machine: sealpost config set'
  const errors = added.map(({ path }) => ({ pointer: pointerOf(path), message }))
  throw new ApiProblem('forbidden', errors.map(({ pointer }) => `${pointer}: ${message}`).join('; '), { errors })
}

/** Returns the key and the value, without the places in lists. */
const useOf = ({ path, value }: MachineValue): string =>
  JSON.stringify([...path.filter((step) => typeof step === 'string'), value])

function machineValues(lab: ResolvedLab): MachineValue[] {
  const { certificates, store, capture, webhooks, directory, newsgroups, virtualServers, authorityService } = lab
  const connectors = lab.connectors.flatMap(({ authority, smartHost }, at) => [
    authorityFile(['connectors', at, 'authority'], authority),
    authorityFile(['connectors', at, 'smartHost', 'authority'], smartHost?.authority),
  ])
  const dns = authorityService?.acme.dns
  return [
    file(['certificates'], certificates.store === 'memory' ? undefined : certificates.store),
    file(['store'], store !== 'memory' && 'lmdb' in store ? store.lmdb : undefined),
    file(['capture'], capture?.file),
    ...secretFilesOf(lab, []),
    ...connectors.flat(),
    ...webhooks.map(({ authority }, at) => file(['webhooks', at, 'authority'], authority)),
    ...directory.accounts.map(({ preload }, at) => file(['directory', 'accounts', at, 'preload'], preload)),
    ...newsgroups.map(({ preload }, at) => file(['newsgroups', at, 'preload'], preload)),
    file(['authorityService', 'acme', 'dns'], typeof dns === 'object' ? JSON.stringify(dns) : undefined),
    ...virtualServers.flatMap(({ capture: own, feeds }, at) => [
      file(['virtualServers', at, 'capture'], own?.file),
      ...feeds.map(({ authority }, n) => authorityFile(['virtualServers', at, 'feeds', n, 'authority'], authority)),
    ]),
  ].flat()
}

/** An authority is a file or the name of one of the lab. A resolved file is absolute. */
const authorityFile = (path: Path, authority = ''): MachineValue[] =>
  file(path, isAbsolute(authority) ? authority : undefined)

/** Returns the files of secrets, wherever they are named. */
function secretFilesOf(value: unknown, path: Path): MachineValue[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key]
    return Object.hasOwn(secretFileKeys, key) && typeof one === 'string' ? file(at, one) : secretFilesOf(one, at)
  })
}

const file = (path: Path, value: string | undefined): MachineValue[] => (value === undefined ? [] : [{ path, value }])
