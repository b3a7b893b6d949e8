import { extensionIds } from '../tls/answer.ts'
import { contentTypes, record } from '../tls/hello.ts'
import { RecordReader, receivedText } from '../tls/records.ts'
import { allSuites } from '../tls/suite-classes.ts'
import { type Check, type Found, fail, pass } from './check.ts'
import { highestBefore13 } from './versions.ts'

const NOT_IN_13: Found = pass('not possible in TLS 1.3')

/** Checks that the server does not compress records, whose lengths would reveal secrets. CRIME, CVE-2012-4929. */
export const compression: Check = {
  name: 'compression',
  title: 'TLS compression',
  async run(probe) {
    const version = await highestBefore13(probe)
    if (!version) return NOT_IN_13
    const answer = await probe.hello({ version: version.wire, suites: allSuites, compression: true })
    // RFC 9325 section 3.3
    if (answer.kind === 'hello' && answer.compression !== 0) return fail('the server accepts TLS compression (CRIME)')
    return pass('the server does not compress')
  },
}

/** A heartbeat request of 3 octets that claims a payload of 16,384. RFC 6520 section 4. */
const shortHeartbeat = Buffer.from([1, 0x40, 0x00])

/** Checks that a heartbeat does not return the server's memory. CVE-2014-0160. */
export const heartbleed: Check = {
  name: 'heartbleed',
  title: 'Heartbleed',
  async run(probe) {
    const version = await highestBefore13(probe)
    if (!version) return NOT_IN_13
    const { wire: number } = version
    return probe.afterHello({ version: number, suites: allSuites, heartbeat: true }, async (answer, wire) => {
      if (answer.kind !== 'hello' || !answer.extensions.has(extensionIds.heartbeat)) {
        return pass('the server does not support heartbeats')
      }
      wire.write(record(contentTypes.heartbeat, number, shortHeartbeat))
      const received = await new RecordReader(wire).next()
      if (typeof received !== 'string' && received.contentType === contentTypes.heartbeat) {
        return fail(
          `a malformed heartbeat returns ${received.content.length} octets of the server’s memory (CVE-2014-0160)`,
        )
      }
      return pass(`a malformed heartbeat is not answered (${receivedText(received)})`)
    })
  },
}

/** Alerts of a server that has switched to keys of an empty master secret, and cannot decrypt the second message. */
const switchedAlerts = ['alert 20', 'alert 21']

/** Checks that ChangeCipherSpec before the key exchange is refused. CVE-2014-0224. */
export const ccsInjection: Check = {
  name: 'ccs-injection',
  title: 'early ChangeCipherSpec',
  async run(probe) {
    const version = await highestBefore13(probe)
    if (!version) return NOT_IN_13
    const { wire: number } = version
    return probe.afterHello({ version: number, suites: allSuites }, async (_answer, wire) => {
      const changeCipherSpec = record(contentTypes.changeCipherSpec, number, Buffer.from([1]))
      wire.write(Buffer.concat([changeCipherSpec, changeCipherSpec]))
      const received = receivedText(await new RecordReader(wire).next())
      if (switchedAlerts.includes(received)) {
        return fail(`ChangeCipherSpec is accepted before the key exchange (${received}; CVE-2014-0224)`)
      }
      return pass(`ChangeCipherSpec before the key exchange is refused (${received})`)
    })
  },
}
