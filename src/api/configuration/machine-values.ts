import { isAbsolute } from 'node:path'
import type { Path } from '../../core/config/mistakes.ts'
import { pointerOf } from '../../core/config/mistakes.ts'
import { certificateFolder, isFileName, type ResolvedLab } from '../../core/config/resolve.ts'
import { choicesOf } from '../../core/config/schema/certificate.ts'
import { secretFileKeys } from '../../core/config/secret-files.ts'
import type { Caller } from '../caller.ts'
import { ApiProblem } from '../problem.ts'

/** A value that makes the lab read or write a file of the machine, open a database, or run a program. */
interface MachineValue {
  readonly path: Path
  readonly value: string
}

/**
 * Checks that a change over HTTP names no file and no program that the configuration did not name before. Administrator access
 * over HTTP does not extend to the machine.
 * @throws ApiProblem `forbidden`
 */
export function assertNoNewMachineValues({ virtualServer }: Caller, from: ResolvedLab, to: ResolvedLab): void {
  if (virtualServer === undefined) return
  // A file of one key must not become that of another: a preload would show the token in a tokenFile.
  const known = new Set(machineValues(from).map(useOf))
  refuse(machineValues(to).filter((one) => !known.has(useOf(one))))
}

const NAMES_FILES =
  'names a file, folder, program or database; this can be changed only on the machine: sealpost config set'

/** @throws ApiProblem `forbidden` */
function refuse(added: readonly MachineValue[], message = NAMES_FILES): void {
  if (added.length === 0) return
  const errors = added.map(({ path }) => ({ pointer: pointerOf(path), message }))
  throw new ApiProblem('forbidden', errors.map(({ pointer }) => `${pointer}: ${message}`).join('; '), { errors })
}

/**
 * Refuses a text that names other files than before. Call it before the check of the text: the check opens some files, and
 * its mistakes show their content.
 * @throws ApiProblem `forbidden`
 */
export function assertNoNewFiles({ virtualServer }: Caller, from: unknown, to: unknown): void {
  if (virtualServer === undefined) return
  const known = new Set(namedFiles(from, []).map(useOf))
  refuse(namedFiles(to, []).filter((one) => !known.has(useOf(one))))
}

/**
 * Keys that name a file or folder, wherever they are, or a database: its address has parameters that name files, such as
 * `sslkey`, and its host can be a folder with a socket. A spam filter gets every message, and can be a socket too.
 */
const FILE_KEYS = new Set([
  ...Object.keys(secretFileKeys),
  'file',
  'keyFile',
  'preload',
  'lmdb',
  'postgres',
  'spamFilter',
])

function namedFiles(value: unknown, path: Path): MachineValue[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, one]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key]
    const isFile = FILE_KEYS.has(key) || (key === 'authority' && typeof one === 'string' && isFileName(one))
    return isFile && typeof one === 'string' ? file(at, one) : namedFiles(one, at)
  })
}

/**
 * Checks that a change over HTTP sends no secret of the configuration to another host: who administers the lab over HTTP
 * does not see these secrets.
 * @throws ApiProblem `forbidden`
 */
export function assertSameDestinations({ virtualServer }: Caller, from: ResolvedLab, to: ResolvedLab): void {
  if (virtualServer === undefined) return
  const known = sentSecrets(from)
  const moved = sentSecrets(to).filter(
    ({ secret, destination }) =>
      known.some((one) => one.secret === secret) &&
      !known.some((one) => one.secret === secret && one.destination === destination),
  )
  const message = 'sends a secret of the configuration to another host; this can be changed only on the machine'
  refuse(moved, message)
}

interface SentSecret extends MachineValue {
  readonly secret: string
  readonly destination: string
}

/** Returns the secrets that the lab sends to other hosts, with what decides who gets them. */
function sentSecrets({ outgoing: { connectors }, virtualServers }: ResolvedLab): SentSecret[] {
  const places = [
    ...connectors.map(({ smartHost }, at) => ({ entry: smartHost, path: ['outgoing', 'connectors', at, 'smartHost'] })),
    ...virtualServers.flatMap(({ feeds }, at) =>
      feeds.map((entry, n) => ({ entry, path: ['virtualServers', at, 'feeds', n] })),
    ),
  ]
  return places.flatMap(({ entry, path }) => {
    if (entry === undefined) return []
    const { password, accessToken, ...rest } = { accessToken: undefined, ...entry }
    const destination = JSON.stringify(Object.entries(rest).filter(([key]) => DESTINATION.has(key)))
    return [password, accessToken].flatMap((secret) =>
      secret === undefined ? [] : [{ path, value: '', secret, destination }],
    )
  })
}

/** Keys that decide which host gets a secret, and who else can read it. */
const DESTINATION = new Set(['peer', 'host', 'port', 'tls', 'implicitTls', 'names', 'authority'])

/** Returns the key and the value, without the places in lists. */
const useOf = ({ path, value }: MachineValue): string =>
  JSON.stringify([...path.filter((step) => typeof step === 'string'), value])

function machineValues(lab: ResolvedLab): MachineValue[] {
  const { certificates, store, mail, testing, webhooks, directory, news, virtualServers } = lab
  const connectors = lab.outgoing.connectors.flatMap(({ authority, smartHost }, at) => [
    authorityFile(['outgoing', 'connectors', at, 'authority'], authority),
    authorityFile(['outgoing', 'connectors', at, 'smartHost', 'authority'], smartHost?.authority),
  ])
  const dns = certificates.service?.acme.dns
  return [
    file(['certificates', 'store'], certificateFolder(certificates)),
    file(['store'], store !== 'memory' && 'lmdb' in store ? store.lmdb : undefined),
    file(['store', 'postgres'], store !== 'memory' && 'postgres' in store ? store.postgres : undefined),
    file(['store', 'bodies', 's3'], store !== 'memory' && 'postgres' in store ? store.bodies?.s3 : undefined),
    file(['testing', 'packets'], testing.packets?.file),
    ...secretFilesOf(lab, []),
    ...connectors.flat(),
    ...webhooks.map(({ authority }, at) => file(['webhooks', at, 'authority'], authority)),
    ...directory.accounts.map(({ preload }, at) => file(['directory', 'accounts', at, 'preload'], preload)),
    ...(directory.accountFiles ?? []).map(({ file: path }, at) =>
      file(['directory', 'accountFiles', at, 'file'], path),
    ),
    ...news.groups.map(({ preload }, at) => file(['news', 'groups', at, 'preload'], preload)),
    ...news.senders.map(({ keyFile }, at) => file(['news', 'senders', at, 'keyFile'], keyFile)),
    ...Object.entries(lab.dns?.zones ?? {}).map(([zone, { file: path }]) => file(['dns', 'zones', zone, 'file'], path)),
    ...mail.authentication.dkim.map(({ keyFile }, at) =>
      file(['mail', 'authentication', 'dkim', at, 'keyFile'], keyFile),
    ),
    file(['mail', 'spamFilter'], mail.spamFilter),
    file(['mail', 'authentication', 'arc', 'keyFile'], mail.authentication.arc?.keyFile),
    file(['certificates', 'service', 'acme', 'dns'], typeof dns === 'object' ? JSON.stringify(dns) : undefined),
    ...virtualServers.flatMap(({ packets, feeds, certificate }, at) => [
      file(['virtualServers', at, 'packets'], packets?.file),
      ...choicesOf(certificate).flatMap((choice) =>
        choice.kind === 'file'
          ? [choice.file, choice.keyFile].map((path) => file(['virtualServers', at, 'certificate'], path))
          : [],
      ),
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
