import type { Browser, CDPSession } from 'playwright-core'
import { mailOf } from '../frame/mail.ts'
import { END, greeted, send } from '../frame/smtp.ts'
import type { Target } from '../frame/types.ts'
import { openMail } from './browser.ts'

export interface Memory {
  readonly arrived: number
  readonly heapOctets: number
  readonly nodes: number
  readonly listeners: number
  readonly serverHeapOctets: number
  readonly serverResidentOctets: number
}

const MESSAGE_OCTETS = 2_000

/** Sends messages while the list is open, and returns the memory of the page and of the lab at each of the counts. */
export async function memory(browser: Browser, target: Target, counts: readonly number[]): Promise<Memory[]> {
  const { page, devtools } = await openMail(browser, target)
  const wire = await greeted({ host: target.host, port: target.smtpPort as number })
  const found: Memory[] = []
  let sent = 0
  for (const count of counts) {
    for (; sent < count; sent++) await send(wire, Buffer.concat([mailOf(MESSAGE_OCTETS, sent + 1), END]))
    await page.locator('.list-bar h2 .hint', { hasText: count.toLocaleString('en') }).waitFor()
    found.push({ arrived: count, ...(await pageMemory(devtools)), ...(await labMemory(target)) })
  }
  wire.close()
  await page.context().close()
  return found
}

async function pageMemory(devtools: CDPSession): Promise<Pick<Memory, 'heapOctets' | 'nodes' | 'listeners'>> {
  await devtools.send('Performance.enable')
  // Weak references are cleared by the second collection.
  for (let time = 0; time < 2; time++) await devtools.send('HeapProfiler.collectGarbage')
  const { metrics } = await devtools.send('Performance.getMetrics')
  const value = (name: string): number => metrics.find((one) => one.name === name)?.value ?? Number.NaN
  return { heapOctets: value('JSHeapUsedSize'), nodes: value('Nodes'), listeners: value('JSEventListeners') }
}

async function labMemory(target: Target): Promise<Pick<Memory, 'serverHeapOctets' | 'serverResidentOctets'>> {
  const serverHeapOctets = (await target.heapOctets?.()) ?? Number.NaN
  return { serverHeapOctets, serverResidentOctets: target.memoryOctets() }
}
