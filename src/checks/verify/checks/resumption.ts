import { isIP } from 'node:net'
import type { Dialog } from '../dialog.ts'
import type { Probe } from '../probe.ts'
import { certificateSuites } from '../tls/suite-classes.ts'
import { NotTested } from '../types.ts'
import { type Check, fail, pass } from './check.ts'
import { acceptedVersions, highestBefore13 } from './versions.ts'

/** The versions whose sessions Node.js can resume. */
export type SessionVersion = 'TLSv1.2' | 'TLSv1.3'

/**
 * Checks that a session is not resumed for another name that has another certificate: the client would take one server for
 * the other, as in ALPACA and CVE-2025-23419. RFC 6066 section 3; RFC 8446 section 4.6.1.
 */
export const resumption: Check = {
  name: 'resumption',
  title: 'session resumption',
  async run(probe) {
    const otherName = otherNameFor(probe.endpoint.serverName)
    const versions = await resumableVersions(probe)
    if (versions.length === 0) throw new NotTested('the server accepts only versions before TLS 1.2')
    const same = await hasSameCertificate(probe, otherName)
    const results = []
    for (const version of versions) results.push(await tryVersion(probe, version, otherName))
    const facts = { versions: results, sameCertificate: same }
    const crossing = results.filter(({ otherName }) => otherName).map(({ version }) => version)
    const resumed = results.filter(({ sameName }) => sameName).map(({ version }) => version)
    if (resumed.length === 0) return pass('sessions are not resumed', facts)
    if (crossing.length === 0)
      return pass(`${joinNames(resumed)} sessions are resumed, but not for another name`, facts)
    const words = `${joinNames(crossing)} sessions are resumed for another name`
    return same
      ? pass(`${words}, which has the same certificate`, facts)
      : fail(`${words}, which has another certificate (ALPACA)`, facts)
  },
}

/** Returns those versions that the server accepts. */
export async function resumableVersions(probe: Probe): Promise<SessionVersion[]> {
  const accepted = (await acceptedVersions(probe)).map(({ name }) => name)
  return (['TLSv1.2', 'TLSv1.3'] as const).filter((name) => accepted.includes(name))
}

/**
 * Returns a name that no server has, as long as the given one. Servers answer it with their default certificate.
 * @throws NotTested for an address, which is not sent as a name
 */
function otherNameFor(serverName: string): string {
  if (isIP(serverName)) throw new NotTested('needs a server with a name (--server-name)')
  return serverName.replace(/[a-z0-9]/gi, 'x')
}

/** Node.js offers a session only for the name in it. Replaces the name by another one of the same length. */
function renameSession(session: Buffer, from: string, to: string): Buffer {
  const copy = Buffer.from(session)
  const at = copy.indexOf(from)
  if (at !== -1) copy.write(to, at, 'latin1')
  return copy
}

const joinNames = (names: readonly string[]): string => names.join(' and ')

/** Returns whether the server sends the same certificate for another name. @throws NotTested if it cannot be read */
async function hasSameCertificate(probe: Probe, otherName: string): Promise<boolean> {
  const own = (await probe.tls()).certificates[0]
  const version = await highestBefore13(probe)
  const other = version ? await sentBefore13(probe, version.wire, otherName) : await sentIn13(probe, otherName)
  if (!own || !other) throw new NotTested('the certificates cannot be compared')
  return own.raw.equals(other)
}

async function sentBefore13(probe: Probe, version: number, serverName: string): Promise<Buffer | undefined> {
  const answer = await probe.hello({ version, suites: certificateSuites, serverName })
  // A server that refuses unknown names has no session for them.
  return answer.kind === 'hello' ? answer.certificates[0] : undefined
}

async function sentIn13(probe: Probe, otherName: string): Promise<Buffer | undefined> {
  const { socket, dialog } = await probe.securedSocket({ otherName })
  const raw = socket.getPeerX509Certificate()?.raw
  dialog.wire.close()
  return raw
}

async function tryVersion(probe: Probe, version: SessionVersion, otherName: string) {
  const session = await sessionOf(probe, version)
  const sameName = session !== undefined && (await isResumed(probe, { maxVersion: version, session }))
  // A ticket of TLS 1.3 is used once. RFC 8446 appendix C.4
  const second = sameName ? await sessionOf(probe, version) : undefined
  if (second === undefined) return { version, sameName, otherName: false }
  const foreign = renameSession(second, probe.endpoint.serverName, otherName)
  return { version, sameName, otherName: await isResumed(probe, { maxVersion: version, session: foreign, otherName }) }
}

/** Opens a session under TLS, exchanges a command, and returns the latest ticket or session that the server sent. */
export async function sessionOf(probe: Probe, maxVersion: SessionVersion): Promise<Buffer | undefined> {
  const { socket, dialog } = await probe.securedSocket({ maxVersion })
  try {
    let session: Buffer | undefined = socket.getSession()
    socket.on('session', (latest: Buffer) => {
      session = latest
    })
    await exchangeCommand(probe, dialog)
    return session
  } finally {
    dialog.wire.close()
  }
}

/** Waits for an answer under TLS. The tickets of TLS 1.3 arrive before it. */
async function exchangeCommand({ endpoint, row }: Probe, dialog: Dialog): Promise<void> {
  if (endpoint.implicitTls && !row.isAskedFirst) await dialog.greeting()
  await dialog.command(row.capabilities.command)
}

/** Offers a session, and returns whether the server resumes it. @throws NotTested VerifyError */
export async function isResumed(probe: Probe, settings: Parameters<Probe['securedSocket']>[0]): Promise<boolean> {
  const { socket, dialog } = await probe.securedSocket(settings)
  const isReused = socket.isSessionReused()
  dialog.wire.close()
  return isReused
}
