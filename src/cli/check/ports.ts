import { readFileSync } from 'node:fs'
import { connect, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { ResolvedLab, ResolvedVirtualServer } from '../../config/resolve.ts'
import { type Finding, wrong } from './finding.ts'

const ANSWER_MS = 2_000

/**
 * What keeps the lab's ports from being opened, found without listening.
 * @param own ports that a running lab of this configuration holds: taken, and rightly so
 */
export async function checkPorts(lab: ResolvedLab, own: ReadonlySet<string>): Promise<Finding[]> {
  const checks = lab.virtualServers.flatMap((server) =>
    [server.port, server.tlsPort].map((port) =>
      port === 'off' || port === 0 || own.has(`${server.address}:${port}`) ? [] : checkPort(server, port),
    ),
  )
  return (await Promise.all(checks)).flat()
}

async function checkPort({ name, address }: ResolvedVirtualServer, port: number): Promise<Finding[]> {
  const where = `${name}: ${address} port ${port}`
  if (!isOfThisMachine(address)) return [wrong(`${where}: this machine has no such address`)]
  if (port < firstFreePort() && process.getuid?.() !== 0) {
    return [wrong(`${where}: ports below ${firstFreePort()} are for root; set a portOffset, as 3000`)]
  }
  if (await answers(address, port)) return [wrong(`${where} is in use by another program`)]
  return []
}

function isOfThisMachine(address: string): boolean {
  if (['localhost', '0.0.0.0', '::', '::1'].includes(address) || address.startsWith('127.')) return true
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return isIP(address) !== 0 && own.some((one) => one.address === address)
}

function firstFreePort(): number {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'))
  } catch {
    return 1024
  }
}

/** Whether something accepts connections there. */
function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: reachable(address), port, timeout: ANSWER_MS })
    const end = (answered: boolean): void => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
    socket.once('timeout', () => end(false))
  })
}

/** Where a program on this machine reaches what listens on an address. */
export function reachable(address: string): string {
  if (address === '0.0.0.0') return '127.0.0.1'
  return address === '::' ? '::1' : address
}
