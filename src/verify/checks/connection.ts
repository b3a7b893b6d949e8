import { describeAgreed } from '../tls/handshake.ts'
import type { HelloOutcome } from '../tls/hello.ts'
import { anySuites, suiteClasses, suites13 } from '../tls/suite-classes.ts'
import { VerifyError } from '../types.ts'
import { type Check, fail, pass, warn } from './check.ts'

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
    if (!endpoint.implicitTls) {
      const { capabilities } = await probe.clear()
      if (!capabilities.lines.some((line) => row.capabilities.startTls.test(line))) {
        const words = `${row.startTls.command} is not announced, so all traffic is clear text`
        return endpoint.promises.tls ? fail(words) : warn(words)
      }
    }
    const { agreed } = await probe.tls().catch((error: Error) => {
      if (!(error instanceof VerifyError) || endpoint.implicitTls) throw error
      const started = error.message.includes(row.startTls.command)
      throw started ? error : new VerifyError(`${row.startTls.command} is announced but fails: ${error.message}`)
    })
    const how = endpoint.implicitTls ? 'implicit TLS works' : `${row.startTls.command} is announced and works`
    return pass(`${how} (${agreed.version})`)
  },
}

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

const versions: readonly (readonly [name: string, wire: number, suites: readonly number[]])[] = [
  ['SSLv3', 0x0300, anySuites],
  ['TLSv1', 0x0301, anySuites],
  ['TLSv1.1', 0x0302, anySuites],
  ['TLSv1.2', 0x0303, anySuites],
  ['TLSv1.3', 0x0304, suites13],
]

/** Offers each version alone. */
export const versionsAccepted: Check = {
  name: 'versions',
  title: 'TLS versions',
  async run(probe) {
    await probe.tls()
    const accepted: string[] = []
    const refused: string[] = []
    for (const [name, wire, suites] of versions) {
      const answer = await probe.hello(wire, suites)
      const list = answer.kind === 'hello' && answer.version === name ? accepted : refused
      list.push(name)
    }
    const { promises } = probe.endpoint
    const facts = { accepted, refused, untested: ['SSLv2'] }
    const words = `accepted: ${list(accepted)}; refused: ${list(refused)}; untested: SSLv2`
    const bad = accepted.filter((name) => !promises.versions.includes(name))
    if (bad.length > 0) {
      const rule = promises.by === 'the configuration' ? 'against the configuration' : 'against RFC 8996'
      return fail(`accepts ${list(bad)}, ${rule} (${words})`, facts)
    }
    if (accepted.length === 0) return fail(`accepts no version (${words})`, facts)
    return pass(words, facts)
  },
}

/** Offers each class of weak suites alone. */
export const suitesAccepted: Check = {
  name: 'suites',
  title: 'weak suites',
  async run(probe) {
    await probe.tls()
    const accepted: { name: string; broken: boolean; answer: HelloOutcome }[] = []
    for (const { name, suites, broken } of suiteClasses) {
      let answer = await probe.hello(0x0303, suites)
      // A server with SSL 3.0 alone answers only that version.
      if (answer.kind !== 'hello') answer = await probe.hello(0x0300, suites)
      if (answer.kind === 'hello') accepted.push({ name, broken, answer })
    }
    const names = accepted.map(({ name }) => name)
    const facts = {
      accepted: names,
      refused: suiteClasses.map(({ name }) => name).filter((one) => !names.includes(one)),
    }
    if (names.length === 0) return pass(`refused: ${list(facts.refused)}`, facts)
    const { promises } = probe.endpoint
    const broken = accepted.filter((one) => one.broken).map(({ name }) => name)
    if (broken.length > 0 && (promises.require128BitEncryption || !promises.weakSuites)) {
      return fail(`accepts ${list(broken)}`, facts)
    }
    if (!promises.weakSuites) return warn(`accepts ${list(names)}, which RFC 9325 section 4.1 forbids`, facts)
    return warn(`accepts ${list(names)}, allowed by ${promises.by}`, facts)
  },
}

const list = (names: readonly string[]): string => names.join(', ') || 'none'
