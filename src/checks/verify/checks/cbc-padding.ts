import type { Probe } from '../probe.ts'
import { cbcSuiteIds, finishedFlight, type Spoiled } from '../tls/cbc-finished.ts'
import { contentTypes } from '../tls/hello.ts'
import { type Received, RecordReader, receivedText } from '../tls/records.ts'
import { NotTested, VerifyError } from '../types.ts'
import { judgeAnswers } from './answers.ts'
import { type Check, fail, pass } from './check.ts'
import { highestBefore13 } from './versions.ts'

/** Wrong records. An answer that tells them apart, or that accepts one, decrypts for the attacker. */
const wrongRecords: Readonly<Record<string, Spoiled>> = {
  'wrong padding': { padding: true },
  'wrong MAC': { mac: true },
  'wrong padding and MAC': { padding: true, mac: true },
}

const ACCEPTED = 'accepted'

/**
 * Checks that padding and MAC of CBC records are verified, and that the answer does not tell which of them is wrong. POODLE
 * of TLS (CVE-2014-8730), Zombie POODLE and GOLDENDOODLE.
 */
export const cbcPadding: Check = {
  name: 'cbc-padding',
  title: 'CBC padding',
  async run(probe) {
    const version = await highestBefore13(probe)
    if (!version || version.wire === 0x0300) return pass('not possible: no version from TLS 1.0 to 1.2 is accepted')
    const offer = { version: version.wire, suites: cbcSuiteIds }
    if ((await probe.hello(offer)).kind !== 'hello') return pass('not possible: the server accepts no suite with CBC')
    const right = await ask(probe, version.wire, {})
    if (right !== ACCEPTED) throw new NotTested(`the server does not finish the handshake (${right})`)
    const answers = await askAll(probe, version.wire)
    const accepted = [...answers].filter(([, answer]) => answer === ACCEPTED).map(([name]) => name)
    if (accepted.length > 0) {
      const words = `a record with ${accepted.join(' or ')} is accepted, so an attacker can decrypt sessions`
      return fail(`${words} (POODLE of TLS, CVE-2014-8730)`, { accepted })
    }
    return judgeAnswers(() => askAll(probe, version.wire), answers)
  },
}

async function askAll(probe: Probe, version: number): Promise<Map<string, string>> {
  const answers = new Map<string, string>()
  for (const [name, spoiled] of Object.entries(wrongRecords)) answers.set(name, await ask(probe, version, spoiled))
  return answers
}

/** Makes a handshake whose Finished message is spoiled. Returns the answer in words. */
function ask(probe: Probe, version: number, spoiled: Spoiled): Promise<string> {
  return probe.afterHello({ version, suites: cbcSuiteIds }, async (answer, wire) => {
    if (answer.kind !== 'hello') throw new VerifyError('the server refuses what it accepted before')
    wire.write(finishedFlight(answer, version, spoiled))
    const received = await new RecordReader(wire).next()
    return isFinishing(received) ? ACCEPTED : receivedText(received)
  })
}

/** A server that accepts the Finished message sends a ticket or ChangeCipherSpec, and its own. RFC 5246 section 7.3 */
const isFinishing = (received: Received): boolean =>
  typeof received !== 'string' &&
  (received.contentType === contentTypes.changeCipherSpec || received.contentType === contentTypes.handshake)
