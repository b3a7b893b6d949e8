import type { TlsView } from '../probe.ts'
import { describeAgreed } from '../tls/handshake.ts'
import { type Promises, VerifyError } from '../types.ts'
import { type Check, type Found, fail, pass, warn } from './check.ts'

export const reachable: Check = {
  name: 'reachable',
  title: 'reachable',
  async run(probe) {
    const { host, port } = probe.endpoint
    const wire = await probe.connect()
    wire.close()
    return pass(`${host} port ${port} accepts connections`)
  },
}

export const greeting: Check = {
  name: 'greeting',
  title: 'greeting',
  async run(probe) {
    const { dialog, greeting } = probe.endpoint.implicitTls ? await probe.openSecured() : await probe.openClear()
    dialog.close()
    return pass(greeting.status, { greeting: greeting.status })
  },
}

/** Checks that TLS works, and with STARTTLS that it is announced. */
export const tls: Check = {
  name: 'tls',
  title: 'TLS',
  async run(probe) {
    const { row, endpoint } = probe
    const startTls = endpoint.implicitTls ? undefined : row.startTls
    if (startTls) {
      const { capabilities } = await probe.clear()
      if (!capabilities.lines.some((line) => startTls.announced.test(line))) {
        const words = `${startTls.command} is not announced, so all traffic is clear text`
        return endpoint.promises.tls ? fail(words) : warn(words)
      }
    }
    const view = await probe.tls().catch((error: Error) => {
      if (!(error instanceof VerifyError) || !startTls) throw error
      const started = error.message.includes(startTls.command)
      throw started ? error : new VerifyError(`${startTls.command} is announced but fails: ${error.message}`)
    })
    if (view.unusable) return judgeUnfinished(view, endpoint.promises)
    const how = startTls ? `${startTls.command} is announced and works` : 'implicit TLS works'
    return pass(`${how} (${view.agreed.version})`)
  },
}

/** Judges a server that answers a ClientHello, but with which this Node.js cannot finish a handshake. */
function judgeUnfinished({ agreed, unusable, needsCertificate }: TlsView, promises: Promises): Found {
  const { version, cipher } = describeAgreed(agreed)
  const words = `the server answers with ${version} ${cipher}`
  if (needsCertificate) return pass(`${words}, and requires a client certificate`)
  if (unusable?.breaksProtocol) return fail(`${words}, but no handshake can be finished: ${unusable.message}`)
  if (isCurrent(version)) {
    return warn(`${words}, but Node.js ${process.version} cannot finish the handshake: ${unusable?.message}`)
  }
  const old = `${words} and accepts nothing that current clients offer`
  return promises.weakSuites && promises.versions.includes(version)
    ? warn(`${old}; ${promises.by} allows it`)
    : fail(old)
}

const isCurrent = (version: string): boolean => version === 'TLSv1.2' || version === 'TLSv1.3'

/** Checks the version, suite and strength that a current client negotiates. */
export const negotiated: Check = {
  name: 'negotiated',
  title: 'version and suite',
  async run(probe) {
    const { agreed } = await probe.tls()
    const { promises } = probe.endpoint
    const facts = describeAgreed(agreed)
    const { version, cipher, bits, keyExchange } = facts
    const words = `${version} ${cipher}, ${bits ?? 'unknown'} bits${keyExchange ? `, key exchange ${keyExchange}` : ''}`
    const record = { ...facts }
    if (bits === 0) return fail(`${words}: no encryption`, record)
    if (bits !== undefined && bits < 128 && (promises.require128BitEncryption || !promises.weakSuites)) {
      return fail(`${words}: below 128 bits`, record)
    }
    if (!promises.versions.includes(version)) return fail(`${words}: ${oldVersion(version, promises.by)}`, record)
    return pass(words, record)
  },
}

const oldVersion = (version: string, by: string): string =>
  by === 'the configuration' ? `the configuration does not allow ${version}` : `${version} must not be used (RFC 8996)`
