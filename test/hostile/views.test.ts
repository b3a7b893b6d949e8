import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type StartedLab, workplaceOfEach } from '../support/sealpost.ts'
import { hostileBodies, repeated } from './bodies.ts'
import { isScaled } from './support.ts'
import { CONFIGURATION, TailClient, Walker } from './walker.ts'

const place = workplaceOfEach()
const OLD_PROCESS = fileURLToPath(import.meta.resolve('./old-process.mjs'))
/** The environment of a lab with little memory that has run for long. */
const small = (heapMiB: number) => ({ NODE_OPTIONS: `--max-old-space-size=${heapMiB} --import=${OLD_PROCESS}` })
const MIB = 1024 * 1024

/** Returns the highest resident memory of a lab, in MiB; 0 where the system does not say. proc_pid_status(5). */
function peakMiB({ process: { pid } }: StartedLab): number {
  if (process.platform !== 'linux') return 0
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024
}

const walkerOf = (lab: StartedLab): Walker => new Walker((protocol) => lab.endpoint(protocol).port)

interface Form {
  readonly heapMiB: number
  /** Most resident memory, with the pages of the program and of the store. */
  readonly mostMiB: number
  readonly octets: number
  /** Undefined: all. */
  readonly only?: readonly string[]
}

const SHORT = ['compressed-data of code-like words', 'line ends', 'a deep calendar']
const forms: readonly Form[] = isScaled
  ? [128, 256, 512].map((heapMiB) => ({ heapMiB, octets: 24 * MIB, mostMiB: heapMiB + 512 }))
  : [{ heapMiB: 80, octets: 4 * MIB, only: SHORT, mostMiB: 384 }]

const TIMEOUT_MS = isScaled ? 3_600_000 : 120_000

describe('a hostile message never ends the lab', { timeout: TIMEOUT_MS }, () => {
  test.each(forms)('with a heap of $heapMiB MiB', async ({ heapMiB, octets, only, mostMiB }) => {
    const file = place.write('lab.yaml', CONFIGURATION)
    await using lab = await place.start(['--config', file], { env: small(heapMiB) })
    const walker = walkerOf(lab)
    const failed: string[] = []
    for (const [name, raw] of Object.entries(hostileBodies(octets))) {
      if (only && !only.includes(name)) continue
      try {
        const id = await walker.deliver(raw)
        const found = await walker.walk(id)
        failed.push(...found.map((one) => `${name}: ${one}`))
      } catch (error) {
        throw new Error(`${name}: ${error}: ${lab.stderr.join('').slice(-2_000)}`)
      }
    }
    expect(failed).toEqual([])
    expect(peakMiB(lab)).toBeLessThan(mostMiB)
    expect(await lab.end()).toBe(0)
  })

  test('SEARCH finds words in a text that the heap has no room to keep', async () => {
    const file = place.write('lab.yaml', CONFIGURATION)
    await using lab = await place.start(['--config', file], { env: small(64) })
    // The first word is where one piece of the text ends and another begins.
    const text = `${'a'.repeat(64 * 1024 - 4)}first-word${repeated('b', 6 * MIB)}last-word`
    await walkerOf(lab).deliver(Buffer.from(`Subject: x\r\n\r\n${text}\r\n`))
    const client = await TailClient.open(lab.endpoint('imap4').port)
    const found: string[] = []
    for (const command of [
      'LOGIN alice secret',
      'SELECT INBOX',
      'SEARCH BODY first-word TEXT last-word',
      'SEARCH BODY no-word',
    ])
      found.push(await client.ask(`x ${command}`, /(?:^|\n)x (?:OK|NO|BAD).*\r\n$/))
    client.close()
    expect(found.slice(2)).toEqual(['* SEARCH 1\r\nx OK SEARCH completed\r\n', '* SEARCH\r\nx OK SEARCH completed\r\n'])
    expect(await lab.end()).toBe(0)
  })
})
