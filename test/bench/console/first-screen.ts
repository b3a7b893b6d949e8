import type { Browser, BrowserContext } from 'playwright-core'
import type { Target } from '../frame/types.ts'
import { addressOf, LOADED_ROW } from './browser.ts'

interface FirstScreen {
  /** Milliseconds from the start of the navigation until the first rows are in the document. */
  readonly rowsMs: number
  /** Until a key has opened a message. */
  readonly interactiveMs: number
  readonly requests: number
  /** Octets of the files of the console as they were transferred, with header fields. */
  readonly consoleOctets: number
  /** Octets of the answers of the API, likewise. */
  readonly apiOctets: number
}

/** Presses `j` in each frame from when the first row is there, until a row is active. */
const STOPWATCH = `
  window.stopwatch = new Promise((resolve) => {
    let rowsMs
    const look = () => {
      if (document.querySelector('.virtual-row.active')) return resolve({ rowsMs, interactiveMs: performance.now() })
      if (document.querySelector('${LOADED_ROW}')) {
        rowsMs ??= performance.now()
        document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'j', bubbles: true }))
      }
      requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  })`

/** Loads the page in a context. The second time, the browser has the files in its cache. */
async function loadFirstScreen(context: BrowserContext, target: Target): Promise<FirstScreen> {
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  const sent = new Map<string, string>()
  let [consoleOctets, apiOctets] = [0, 0]
  devtools.on('Network.requestWillBeSent', ({ requestId, request }) =>
    sent.set(requestId, new URL(request.url).pathname),
  )
  devtools.on('Network.dataReceived', ({ requestId, encodedDataLength }) => count(requestId, encodedDataLength))
  const count = (requestId: string, octets: number): void => {
    if (sent.get(requestId)?.startsWith('/api/')) apiOctets += octets
    else consoleOctets += octets
  }
  devtools.on('Network.responseReceived', ({ requestId, response }) => count(requestId, response.encodedDataLength))
  await devtools.send('Network.enable')
  await page.setExtraHTTPHeaders({ 'Accept-Encoding': 'gzip' })
  await page.addInitScript(STOPWATCH)
  await page.goto(addressOf(target))
  const times = (await page.evaluate('stopwatch')) as Pick<FirstScreen, 'rowsMs' | 'interactiveMs'>
  const found = { ...times, requests: sent.size, consoleOctets, apiOctets }
  await page.close()
  return found
}

export async function firstScreens(
  browser: Browser,
  target: Target,
  rounds: number,
): Promise<{ cold: FirstScreen[]; warm: FirstScreen[] }> {
  const cold: FirstScreen[] = []
  const warm: FirstScreen[] = []
  for (let round = 0; round <= rounds; round++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
    const [first, second] = [await loadFirstScreen(context, target), await loadFirstScreen(context, target)]
    await context.close()
    // The first round warms the server and the browser up.
    if (round === 0) continue
    cold.push(first)
    warm.push(second)
  }
  return { cold, warm }
}
