import type { Probe } from '../probe.ts'
import type { StartTls, StateFacts } from '../protocol-row.ts'
import { NotTested, VerifyError } from '../types.ts'
import { type Check, fail, pass } from './check.ts'

/** Checks that a command sent behind STARTTLS in the same segment is not answered under TLS. CVE-2011-0411 and others. */
export const injection: Check = {
  name: 'injection',
  title: 'STARTTLS injection',
  async run(probe) {
    const { row } = probe
    const { command, injected } = startTlsOf(probe)
    await probe.tls()
    const wire = await probe.readyForTls(`${injected.command}\r\n`)
    const dialog = await probe.secured(wire).catch((error: Error) => error)
    if (dialog instanceof NotTested) throw dialog
    if (dialog instanceof Error) return pass(`the server ends the connection (${dialog.message})`)
    try {
      const reply = await dialog.command(row.capabilities.command)
      if (!injected.answered(reply)) return pass(`commands behind ${command} in the same segment are discarded`)
      const words = `“${injected.command}”, sent in clear text behind ${command}, is answered under TLS: ${reply.status}`
      return fail(`commands can be injected: ${words}`)
    } catch (error) {
      if (error instanceof VerifyError) return pass(`the server ends the connection (${error.message})`)
      throw error
    } finally {
      wire.close()
    }
  },
}

/** Checks that the server forgets the session's state at STARTTLS. */
export const state: Check = {
  name: 'state',
  title: 'state after STARTTLS',
  async run(probe) {
    const { command, ready, state: row } = startTlsOf(probe)
    if (!row) throw new NotTested(`${probe.row.title} has no state before log-on`)
    const facts = await stateFacts(probe)
    const before = row.before(facts)
    if (!before) throw new NotTested('needs --user and --password, or a newsgroup')
    await probe.tls()
    const { dialog } = await probe.openClear()
    try {
      for (const one of before) {
        const reply = await dialog.command(one)
        if (probe.row.accepted.test(reply.status)) continue
        throw new NotTested(`“${one}” is refused in clear text, so there is no state to forget (${reply.status})`)
      }
      const started = await dialog.command(command)
      if (!ready.test(started.status)) throw new NotTested(`${command} is refused in this state: ${started.status}`)
      const secured = await probe.secured(dialog.wire)
      const reply = await secured.command(row.after(facts))
      const shown = row.after(facts).split(' ')[0]
      if (row.forgotten.test(reply.status)) return pass(`${row.what} is forgotten (${shown}: ${reply.status})`)
      return fail(`${row.what} survives STARTTLS (${shown}: ${reply.status})`)
    } finally {
      dialog.wire.close()
    }
  },
}

/** Returns how a port changes to TLS. @throws NotTested if it does not */
function startTlsOf({ row, endpoint }: Probe): StartTls {
  if (endpoint.implicitTls) throw new NotTested('this port has no STARTTLS')
  if (!row.startTls) throw new NotTested(`${row.title} has no STARTTLS`)
  return row.startTls
}

async function stateFacts(probe: Probe): Promise<StateFacts> {
  const { credentials, newsgroup } = probe.options
  const group = newsgroup ?? (probe.endpoint.protocol === 'nntp' ? await firstGroup(probe) : undefined)
  return { user: credentials?.user, password: credentials?.password, newsgroup: group }
}

/** Returns the first newsgroup that the server lists. RFC 3977 section 7.6.3. */
async function firstGroup(probe: Probe): Promise<string | undefined> {
  const { dialog } = await probe.openClear()
  const { lines } = await dialog.command('LIST')
  dialog.close()
  return lines[1] === '.' ? undefined : lines[1]?.split(' ')[0]
}

/** Checks that STARTTLS is refused under TLS. */
export const second: Check = {
  name: 'second-starttls',
  title: 'second STARTTLS',
  async run(probe) {
    const { startTls } = probe.row
    if (!startTls) throw new NotTested(`${probe.row.title} has no STARTTLS`)
    const { dialog, capabilities } = await probe.openSecured()
    try {
      if (capabilities.lines.some((line) => startTls.announced.test(line))) {
        return fail(`${startTls.command} is announced under TLS`)
      }
      const reply = await dialog.command(startTls.command)
      if (startTls.ready.test(reply.status)) return fail(`a second ${startTls.command} is accepted: ${reply.status}`)
      return pass(`not announced, and refused: ${reply.status}`)
    } catch (error) {
      if (error instanceof VerifyError) return pass(`not announced, and refused: ${error.message}`)
      throw error
    } finally {
      dialog.wire.close()
    }
  },
}
