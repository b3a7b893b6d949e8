import { execFile } from 'node:child_process'
import { Resolver } from 'node:dns/promises'

/** Returns the TXT records of a name, each as one text; empty if it has none. Rejects if they cannot be read. */
export type TxtLookup = (name: string) => Promise<readonly string[]>

/**
 * Where TXT records come from: the address of a DNS server, with its port if that is not 53, or a program and its
 * arguments. The program gets the name as its last argument and prints one record per line.
 */
export type TxtSource = string | readonly string[]

const TIMEOUT_MS = 10_000

export function txtLookup(source: TxtSource): TxtLookup {
  return typeof source === 'string' ? (name) => askServer(source, name) : (name) => runCommand(source, name)
}

async function askServer(server: string, name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 })
  resolver.setServers([server])
  const records = await resolver.resolveTxt(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENODATA' || error.code === 'ENOTFOUND') return []
    throw error
  })
  return records.map((parts) => parts.join(''))
}

function runCommand([program = '', ...args]: readonly string[], name: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args, name], { timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program}: ${stderr.trim() || error.message}`, { cause: error }))
      else resolve(stdout.split(/\r?\n/).filter((line) => line !== ''))
    })
  })
}
