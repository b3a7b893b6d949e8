import { existsSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import type { Finding, Path } from '../../core/config/mistakes.ts'
import { certificateFolder, type ResolvedLab } from '../../core/config/resolve.ts'
import { choicesOf } from '../../core/config/schema/certificate.ts'
import { folderObstacle, readObstacle } from '../../core/files/file-obstacles.ts'
import { scriptMistakes } from '../../transport/delivery/configured-scripts.ts'
import { zoneMistakes } from '../dns/zones.ts'
import { preloadProblem } from '../mail/preload.ts'
import { captureProblem } from '../recording/captures.ts'
import { checkPorts, type PortTrial } from './ports.ts'

/** Ports and folders that a running lab of the same configuration has opened. They are not reported. */
export interface Running {
  readonly isRunning: boolean
  /** `ADDRESS:PORT`. */
  readonly ports: ReadonlySet<string>
}

/** Returns everything that prevents the start of a lab, or a part of its work: files, folders, packages and ports. */
export async function runChecks(lab: ResolvedLab, running: Running, portTrial: PortTrial): Promise<Finding[]> {
  return [
    ...(await checkStore(lab, running)),
    ...checkCertificateFolder(lab),
    ...checkPreloads(lab),
    ...scriptMistakes(lab),
    ...(await checkPorts(lab, running.ports, portTrial)),
    ...checkCaptures(lab),
    ...checkMailAuthentication(lab),
    ...checkFeeds(lab),
    ...checkConnectors(lab),
    ...checkWebhooks(lab),
    ...checkCertificates(lab),
    ...checkControlSenders(lab),
    ...(await zoneMistakes(lab)).map(({ path, message }) => error(path, message)),
  ]
}

const error = (path: Path, message: string): Finding => ({ path, message, severity: 'error' })
const warning = (path: Path, message: string): Finding => ({ path, message, severity: 'warning' })

async function checkStore({ store }: ResolvedLab, { isRunning }: Running): Promise<Finding[]> {
  if (store === 'memory' || !('lmdb' in store) || isRunning) return []
  const { lmdbObstacle } = await import('../../storage/store/engines/lmdb/open.ts')
  const found = await lmdbObstacle(store.lmdb)
  return found ? [error(['store', 'lmdb'], found.message)] : []
}

function checkCertificateFolder({ certificates }: ResolvedLab): Finding[] {
  const folder = certificateFolder(certificates)
  const why = folder === undefined ? undefined : folderObstacle(folder)
  return why === undefined ? [] : [error(['certificates'], why)]
}

function checkPreloads({ directory, news, store }: ResolvedLab): Finding[] {
  // Folders that have messages need no preload, and a store on disk usually has some.
  const isFilled = store !== 'memory' && 'lmdb' in store && existsSync(store.lmdb)
  const places = [
    ...directory.accounts.map(({ preload }, index) => ({ preload, at: ['directory', 'accounts', index, 'preload'] })),
    ...news.groups.map(({ preload }, index) => ({ preload, at: ['news', 'groups', index, 'preload'] })),
  ]
  return places.flatMap(({ preload, at }) => {
    const why = preload === undefined ? undefined : preloadProblem(preload)
    return why === undefined ? [] : [isFilled ? warning(at, why) : error(at, why)]
  })
}

function checkCaptures({ testing, virtualServers }: ResolvedLab): Finding[] {
  const places = [
    { packets: testing.packets, at: ['testing', 'packets'] },
    ...virtualServers.map(({ packets }, index) => ({ packets, at: ['virtualServers', index, 'packets'] })),
  ]
  return places.flatMap(({ packets, at }) => {
    const why = packets?.file === undefined ? undefined : captureProblem(packets.file)
    return why === undefined ? [] : [error(at, why)]
  })
}

/** Keys without a file are generated. */
function checkMailAuthentication({ mail }: ResolvedLab): Finding[] {
  const { dkim, arc } = mail.authentication
  const found: Finding[] = []
  const keys = [
    ...dkim.map(({ keyFile }, index) => ({ keyFile, at: ['mail', 'authentication', 'dkim', index, 'keyFile'] })),
    { keyFile: arc?.keyFile, at: ['mail', 'authentication', 'arc', 'keyFile'] },
  ]
  for (const { keyFile, at } of keys) {
    const why = keyFile === undefined ? undefined : readObstacle(keyFile)
    if (why !== undefined) found.push(error(at, `cannot read ${keyFile}: ${why}`))
  }
  return found
}

/** Feeds report the error, and the lab runs. */
function checkFeeds({ virtualServers }: ResolvedLab): Finding[] {
  return virtualServers.flatMap(({ feeds }, index) =>
    feeds.flatMap(({ authority }, n) => {
      const why = authority !== undefined && isAbsolute(authority) ? readObstacle(authority) : undefined
      const at = ['virtualServers', index, 'feeds', n, 'authority']
      return why === undefined ? [] : [warning(at, `the feed cannot work: cannot read ${authority}: ${why}`)]
    }),
  )
}

/** A file that cannot be read is only a warning: the lab runs, and mail waits in the queue. */
function checkConnectors({ outgoing }: ResolvedLab): Finding[] {
  return outgoing.connectors.flatMap(({ authority, smartHost }, index) =>
    [
      { authority, at: ['outgoing', 'connectors', index, 'authority'] },
      { authority: smartHost?.authority, at: ['outgoing', 'connectors', index, 'smartHost', 'authority'] },
    ].flatMap(({ authority: file, at }) => {
      const why = file !== undefined && isAbsolute(file) ? readObstacle(file) : undefined
      return why === undefined ? [] : [warning(at, `the connector cannot send: cannot read ${file}: ${why}`)]
    }),
  )
}

/** Without its certificate, a virtual server cannot start. */
function checkCertificates({ virtualServers }: ResolvedLab): Finding[] {
  return virtualServers.flatMap(({ certificate }, index) => {
    const files = choicesOf(certificate).flatMap((one) => (one.kind === 'file' ? [one.file, one.keyFile] : []))
    return files.flatMap((file) => {
      const why = readObstacle(file)
      return why === undefined ? [] : [error(['virtualServers', index, 'certificate'], `cannot read ${file}: ${why}`)]
    })
  })
}

function checkWebhooks({ webhooks }: ResolvedLab): Finding[] {
  return webhooks.flatMap(({ authority }, index) => {
    const why = authority === undefined ? undefined : readObstacle(authority)
    return why === undefined ? [] : [error(['webhooks', index, 'authority'], `cannot read ${authority}: ${why}`)]
  })
}

/** Control messages that must be signed are refused, and the lab runs. */
function checkControlSenders({ news }: ResolvedLab): Finding[] {
  return news.senders.flatMap(({ keyFile }, index) => {
    const why = keyFile === undefined ? undefined : readObstacle(keyFile)
    const message = `no control message of this sender can take effect: cannot read ${keyFile}: ${why}`
    return why === undefined ? [] : [warning(['news', 'senders', index, 'keyFile'], message)]
  })
}
