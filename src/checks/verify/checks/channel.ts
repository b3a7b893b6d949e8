import type { Probe } from '../probe.ts'
import { NotTested, VerifyError } from '../types.ts'
import { type Check, fail, pass, warn } from './check.ts'

/** Tries each log-on method in clear text with an unknown name and password, each on its own connection. */
function clearLogOns(probe: Probe): Promise<{ accepted: string[]; replies: string[] }> {
  return probe.once('clear log-ons', async () => {
    const accepted: string[] = []
    const replies: string[] = []
    for (const { name, command, isAccepted } of probe.row.clearLogOn) {
      const { dialog, capabilities } = await probe.openClear()
      const reply = await dialog.command(command).catch((error: Error) => {
        if (error instanceof VerifyError) return undefined
        throw error
      })
      dialog.wire.close()
      replies.push(`${name}: ${reply?.status ?? 'the server closes the connection'}`)
      if (reply && isAccepted(reply, capabilities.lines)) accepted.push(name)
    }
    return { accepted, replies }
  })
}

/** Checks that log-on in clear text is refused before the password is checked. */
export const logOn: Check = {
  name: 'log-on',
  title: 'clear-text log-on',
  async run(probe) {
    const { promises } = probe.endpoint
    const { accepted, replies } = await clearLogOns(probe)
    const facts = { accepted, replies }
    if (accepted.length === 0) return pass(`refused before the password is checked (${replies[0]})`, facts)
    const words = `the server accepts ${accepted.join(', ')} in clear text, which exposes the password`
    if (promises.requireSecureChannel) return fail(`${words}, though a secure channel is required`, facts)
    return promises.clearLogOn ? warn(`${words}; ${promises.by} allows it`, facts) : fail(words, facts)
  },
}

/** Checks that only STARTTLS is accepted before TLS, if a secure channel is required. */
export const secureChannel: Check = {
  name: 'secure-channel',
  title: 'require secure channel',
  async run(probe) {
    const { promises } = probe.endpoint
    if (probe.endpoint.implicitTls) return pass('this port has no clear text')
    if (!promises.requireSecureChannel) throw new NotTested('a secure channel is not required')
    const { clearUse } = probe.row
    if (!clearUse)
      return (await logOn.run(probe)).outcome === 'pass' ? pass(ONLY_LOG_ON) : fail('log-on is accepted in clear text')
    const { command, isRefused, expected } = clearUse
    const { dialog, capabilities } = await probe.openClear()
    const reply = command === probe.row.capabilities.command ? capabilities : await dialog.command(command)
    dialog.close()
    if (isRefused(reply)) return pass(`${command} is refused: ${reply.status}`)
    return fail(`${command} in clear text is answered with ${reply.status}, not ${expected}`)
  },
}

const ONLY_LOG_ON = 'log-on is refused in clear text, and everything else needs a log-on'

/** Checks that a man in the middle gains nothing by removing STARTTLS from the announcement. */
export const stripping: Check = {
  name: 'stripping',
  title: 'STARTTLS stripping',
  async run(probe) {
    const { endpoint, row } = probe
    if (endpoint.implicitTls) return pass('not possible: implicit TLS')
    if (!row.startTls) throw new NotTested(`${row.title} has no STARTTLS`)
    const { accepted } = await clearLogOns(probe)
    const facts = { leaks: accepted }
    if (accepted.length > 0) {
      const words = `if ${row.startTls.command} is removed, a careless client exposes its password (${accepted.join(', ')})`
      return endpoint.promises.clearLogOn ? warn(words, facts) : fail(words, facts)
    }
    return pass(`if ${row.startTls.command} is removed, log-on is refused; clients should still require TLS`, facts)
  },
}

/** Checks which mechanisms are announced before and under TLS. */
export const mechanisms: Check = {
  name: 'mechanisms',
  title: 'log-on mechanisms',
  async run(probe) {
    const { mechanisms: read } = probe.row.capabilities
    const before = probe.endpoint.implicitTls ? [] : read((await probe.clear()).capabilities.lines)
    const after = await mechanismsUnderTls(probe)
    const words = [`before TLS: ${joinNames(before)}`, ...(after ? [`under TLS: ${joinNames(after)}`] : [])].join('; ')
    const exposed = before.filter((name) => READABLE.test(name))
    const { promises } = probe.endpoint
    const facts = { before, after }
    if (exposed.length === 0) return pass(words, facts)
    return promises.clearLogOn && !promises.requireSecureChannel
      ? warn(`the server announces ${joinNames(exposed)} in clear text (${words})`, facts)
      : fail(`the server announces ${joinNames(exposed)} in clear text (${words})`, facts)
  },
}

/** Returns undefined for a port without TLS. */
async function mechanismsUnderTls(probe: Probe): Promise<readonly string[] | undefined> {
  if (!probe.endpoint.implicitTls && !probe.row.startTls) return undefined
  const { dialog, capabilities } = await probe.openSecured()
  dialog.close()
  return probe.row.capabilities.mechanisms(capabilities.lines)
}

/** Mechanisms that send the password itself. */
const READABLE = /^(?:PLAIN|LOGIN|USER|LOGIN command|BASIC)$/

const joinNames = (names: readonly string[]): string => names.join(', ') || 'none'
