import { groupName } from '../../../core/sessions/tls-groups.ts'
import { extensionIds } from '../tls/answer.ts'
import { groups13 } from '../tls/hello.ts'
import { allSuites, recommendedSuites, rsaSuites, suites13 } from '../tls/suite-classes.ts'
import { NotTested } from '../types.ts'
import { type Check, fail, pass, warn } from './check.ts'
import { acceptedVersions } from './versions.ts'

/** ML-KEM without an older group beside it. draft-ietf-tls-mlkem section 4. */
const PURE_ML_KEM = [0x0200, 0x0201, 0x0202]

/** Lists the TLS 1.3 groups of a server: offers all, then again without the ones that the server chose. */
export const groupsAccepted: Check = {
  name: 'groups',
  title: 'key-exchange groups',
  async run(probe) {
    const has13 = (await acceptedVersions(probe)).some(({ wire }) => wire === 0x0304)
    if (!has13) throw new NotTested('the server does not accept TLS 1.3')
    const accepted: number[] = []
    for (let left = groups13; left.length > 0; left = groups13.filter((id) => !accepted.includes(id))) {
      // Without a key share, the server asks for one of the group that it chooses. RFC 8446 section 4.2.8
      const answer = await probe.hello({ version: 0x0304, suites: suites13, groups: left })
      if (answer.kind !== 'hello' || answer.group === undefined || !left.includes(answer.group)) break
      accepted.push(answer.group)
    }
    const names = accepted.map(groupName)
    const pure = accepted.filter((id) => PURE_ML_KEM.includes(id)).map(groupName)
    const words = `accepted: ${names.join(', ') || 'none that is known'}`
    return pass(`${words}; ML-KEM alone: ${pure.join(', ') || 'none'}, for information (draft-ietf-tls-mlkem)`, {
      accepted: names,
    })
  },
}

/** Checks what RFC 9325 recommends for TLS 1.2 apart from what other checks look for. */
export const recommendations: Check = {
  name: 'recommendations',
  title: 'TLS 1.2 by RFC 9325',
  async run(probe) {
    const has12 = (await acceptedVersions(probe)).some(({ wire }) => wire === 0x0303)
    if (!has12) throw new NotTested('the server does not accept TLS 1.2')
    const version = 0x0303
    const answer = await probe.hello({
      version,
      suites: allSuites,
      empty: [extensionIds.truncatedHmac, extensionIds.extendedMasterSecret],
    })
    if (answer.kind !== 'hello') throw new NotTested('the server accepts no ClientHello with these extensions')
    if (answer.extensions.has(extensionIds.truncatedHmac)) {
      return fail('the server shortens checksums to 80 bits (truncated_hmac), against RFC 9325 section 4.6')
    }
    const lacking: string[] = []
    if ((await probe.hello({ version, suites: recommendedSuites })).kind !== 'hello') {
      lacking.push('the server has none of the recommended suites, ECDHE with AES-GCM (RFC 9325 section 4.2)')
    }
    const chosen = await probe.hello({ version, suites: [...recommendedSuites, ...rsaSuites] })
    if (lacking.length === 0 && chosen.kind === 'hello' && rsaSuites.includes(chosen.suite)) {
      lacking.push('the server prefers suites without forward secrecy (RFC 9325 section 4.1)')
    }
    if (!answer.extensions.has(extensionIds.extendedMasterSecret)) {
      lacking.push(
        'the server does not support extended_master_secret, so keys are not bound to the handshake (RFC 7627)',
      )
    }
    if (lacking.length > 0) return warn(lacking.join('; '))
    return pass(
      'the server prefers ECDHE with AES-GCM to RSA, uses extended_master_secret and does not accept truncated_hmac',
    )
  },
}
