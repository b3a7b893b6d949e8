import { VerifyError } from '../errors.ts'
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

/** Implicit TLS, or STARTTLS announced and working. */
export const tls: Check = {
  name: 'tls',
  title: 'TLS',
  async run(probe) {
    const { row, endpoint } = probe
    if (!endpoint.implicitTls) {
      const { capabilities } = await probe.clear()
      if (!capabilities.lines.some((line) => row.capabilities.startTls.test(line))) {
        const words = `${row.startTls.command} is not announced: everything crosses the wire in clear`
        return endpoint.promises.tls ? fail(words) : warn(words)
      }
    }
    const { agreed } = await probe.tls().catch((error: Error) => {
      if (!(error instanceof VerifyError) || endpoint.implicitTls) throw error
      const started = error.message.includes(row.startTls.command)
      throw started ? error : new VerifyError(`${row.startTls.command} is announced, and fails: ${error.message}`)
    })
    const how = endpoint.implicitTls ? 'from the first octet' : `${row.startTls.command} announced and working`
    return pass(`${how} (${agreed.version})`)
  },
}
