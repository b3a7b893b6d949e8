import type { Probe } from '../probe.ts'
import { NotTested, VerifyError } from '../types.ts'
import { type Check, fail, pass, warn } from './check.ts'

/** Ways to log on that a server goes into in clear. A name and a password that are nobody's are tried, each way on its own connection. */
function clearLogOns(probe: Probe): Promise<{ inClear: string[]; replies: string[] }> {
  return probe.once('clear log-ons', async () => {
    const inClear: string[] = []
    const replies: string[] = []
    for (const { name, command, goesInto } of probe.row.clearLogOn) {
      const { dialog, capabilities } = await probe.openClear()
      const reply = await dialog.command(command).catch((error: Error) => {
        if (error instanceof VerifyError) return undefined
        throw error
      })
      dialog.wire.close()
      replies.push(`${name}: ${reply?.status ?? 'the server hangs up'}`)
      if (reply && goesInto(reply, capabilities.lines)) inClear.push(name)
    }
    return { inClear, replies }
  })
}

/** A log-on in clear is refused before the password matters. */
export const logOn: Check = {
  name: 'log-on',
  title: 'log-on in clear',
  async run(probe) {
    const { promises } = probe.endpoint
    const { inClear, replies } = await clearLogOns(probe)
    const facts = { accepted: inClear, replies }
    if (inClear.length === 0) return pass(`refused before the password matters (${replies[0]})`, facts)
    const words = `${inClear.join(', ')} accepted in clear: the password crosses the wire readable`
    if (promises.requireSecureChannel) return fail(`${words}, though a secure channel is required`, facts)
    return promises.clearLogOn ? warn(`${words}, as ${promises.by} lets it`, facts) : fail(words, facts)
  },
}

/** Nothing but STARTTLS before TLS, where that is required. */
export const secureChannel: Check = {
  name: 'secure-channel',
  title: 'require secure channel',
  async run(probe) {
    const { promises } = probe.endpoint
    if (probe.endpoint.implicitTls) return pass('nothing can be said in clear on this port')
    if (!promises.requireSecureChannel) throw new NotTested('a secure channel is not required here')
    const { clearUse } = probe.row
    if (!clearUse)
      return (await logOn.run(probe)).outcome === 'pass' ? pass(ONLY_LOG_ON) : fail('log-on in clear accepted')
    const { dialog } = await probe.openClear()
    const reply = await dialog.command(clearUse.command)
    dialog.close()
    if (clearUse.refused.test(reply.status)) return pass(`${clearUse.command} is refused: ${reply.status}`)
    return fail(`${clearUse.command} in clear is answered ${reply.status}, not 530 (${clearUse.rule})`)
  },
}

const ONLY_LOG_ON = 'no log-on in clear, and nothing to be had without one'

/** What a man in the middle gains who takes STARTTLS out of the announcement. */
export const stripping: Check = {
  name: 'stripping',
  title: 'STARTTLS stripping',
  async run(probe) {
    const { endpoint, row } = probe
    if (endpoint.implicitTls) return pass('TLS from the first octet: there is nothing to strip')
    const { inClear } = await clearLogOns(probe)
    const facts = { leaks: inClear }
    if (inClear.length > 0) {
      const words = `without ${row.startTls.command} a careless client would give its password away (${inClear.join(', ')})`
      return endpoint.promises.clearLogOn ? warn(words, facts) : fail(words, facts)
    }
    return pass(
      `a client robbed of ${row.startTls.command} is refused at log-on; make clients require TLS all the same`,
      facts,
    )
  },
}

/** Which mechanisms are announced before and after TLS. */
export const mechanisms: Check = {
  name: 'mechanisms',
  title: 'log-on mechanisms',
  async run(probe) {
    const { mechanisms: read } = probe.row.capabilities
    const before = probe.endpoint.implicitTls ? [] : read((await probe.clear()).capabilities.lines)
    const { dialog, capabilities } = await probe.openSecured()
    dialog.close()
    const after = read(capabilities.lines)
    const words = `before TLS: ${list(before)}; under TLS: ${list(after)}`
    const leaky = before.filter((name) => READABLE.test(name))
    const { promises } = probe.endpoint
    const facts = { before, after }
    if (leaky.length === 0) return pass(words, facts)
    return promises.clearLogOn && !promises.requireSecureChannel
      ? warn(`${list(leaky)} announced in clear (${words})`, facts)
      : fail(`${list(leaky)} announced in clear (${words})`, facts)
  },
}

/** Mechanisms that send the password as it is. */
const READABLE = /^(?:PLAIN|LOGIN|USER|LOGIN command)$/

const list = (names: readonly string[]): string => names.join(', ') || 'none'
