import { X509Certificate } from 'node:crypto'
import { DatabaseError } from '../../storage/index.ts'
import { readPem } from '../../tls/pki/der/pem.ts'
import { storedRoots } from '../shared/certificate-store.ts'
import { type Configuration, type ConfigurationOptions, configOption } from '../shared/configuration.ts'
import { countText } from '../shared/output.ts'
import { findProblems } from '../shared/problems.ts'
import { controlSockets, labStatus } from '../shared/running-labs.ts'
import { thisMachine } from '../trust/machine.ts'
import { systemStore } from '../trust/system.ts'
import { rootOf } from '../trust/trust-store.ts'
import type { Finding } from './finding.ts'

/** Checks the configuration and what it names, as `sealpost check` does, and whether a lab runs it. */
export async function checkConfiguration(
  options: ConfigurationOptions,
): Promise<{ readonly configuration: Configuration | undefined; readonly findings: Finding[] }> {
  const { configuration, problems } = await findProblems(options)
  const findings = problems.map(({ severity, message }): Finding => {
    return { check: 'configuration', status: severity === 'warning' ? 'warning' : 'error', message }
  })
  if (configuration && findings.every(({ status }) => status !== 'error')) {
    const { name, lab } = configuration
    const servers = countText(lab.virtualServers.length, 'virtual server')
    const message = `${name}: ${servers}; files, folders, certificates and ports can be used`
    findings.unshift({ check: 'configuration', status: 'ok', message })
  }
  return { configuration, findings }
}

/** Finds out whether a lab runs the configuration. */
export async function checkLab({ identity, name }: Configuration, options: ConfigurationOptions): Promise<Finding> {
  const [socket] = await controlSockets(identity)
  if (socket === undefined) {
    const fix = `sealpost start${configOption(options)}`
    return { check: 'lab', status: 'note', message: `no lab of ${name} is running`, fix }
  }
  const { endpoints } = await labStatus(socket)
  return {
    check: 'lab',
    status: 'ok',
    message: `a lab is running with ${countText(endpoints.length, 'virtual server')}`,
  }
}

/** Finds out whether the programs of this machine trust the roots of the lab. */
export async function checkTrust(configuration: Configuration, options: ConfigurationOptions): Promise<Finding> {
  const store = systemStore(thisMachine())
  let pem: string | undefined
  try {
    pem = (await storedRoots(configuration))[0]
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error
    return { check: 'trust', status: 'note', message: 'the roots of the lab are in the database, which cannot be read' }
  }
  if (pem === undefined) {
    return {
      check: 'trust',
      status: 'note',
      message: 'the lab has no root certificate yet; the first start creates it',
    }
  }
  if (store === undefined || store.missing !== undefined) {
    const why = store?.missing ?? 'the trust store of this operating system is not known'
    return { check: 'trust', status: 'note', message: why, fix: `sealpost ca export${configOption(options)}` }
  }
  const roots = readPem(pem).map(({ der }) => rootOf(new X509Certificate(der), () => ''))
  const lacking = []
  for (const root of roots) if (!(await store.has(root))) lacking.push(root.name)
  if (lacking.length === 0) {
    return {
      check: 'trust',
      status: 'ok',
      message: `the programs of this machine trust ${roots[0]?.name ?? 'the lab'}`,
    }
  }
  return {
    check: 'trust',
    status: 'note',
    message: `${store.title}: does not have ${lacking.join(', ')}; programs that use it refuse the certificates of the lab`,
    fix: `sealpost trust install${configOption(options)}`,
  }
}
