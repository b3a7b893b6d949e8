import type { Browser, CDPSession, Page } from 'playwright-core'
import type { Target } from '../frame/types.ts'
import { LOADED_ROW, openMail } from './browser.ts'

export interface Scrolling {
  /** The longest task of the page's main thread, in milliseconds: on the clock, and of CPU time. */
  readonly longestMs: number
  readonly longestCpuMs: number
  /** Tasks of more than 50 ms on the clock. */
  readonly longTasks: number
  /** Milliseconds from the end of a drag over the whole list until the rows at its end are loaded. */
  readonly loadedMs: number
  /** Requests for rows during the drag. */
  readonly requests: number
}

const LONG_TASK_MS = 50
const WHEEL = { distance: 60_000, speed: 12_000 }
/** Frames in which the scroll bar is dragged from the top of the list to its end. */
const DRAG_FRAMES = 240

const DRAG = `new Promise((resolve) => {
  const list = document.querySelector('.virtual-list')
  let frame = 0
  const step = () => {
    list.scrollTop = (list.scrollHeight * ++frame) / ${DRAG_FRAMES}
    if (frame < ${DRAG_FRAMES}) return requestAnimationFrame(step)
    const ended = performance.now()
    const look = () => {
      const rows = [...list.querySelectorAll('.virtual-row')]
      const isLoaded = rows.at(-1)?.querySelector('${LOADED_ROW}') && rows.every((row) => !row.querySelector('.loading'))
      if (isLoaded) resolve(performance.now() - ended)
      else requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
  }
  requestAnimationFrame(step)
})`

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  readonly dur?: number
  readonly tdur?: number
  readonly args?: { readonly name?: string }
}

/** Scrolls by the wheel, by Page Down and by the scroll bar, with a trace of the browser. */
export async function scrolling(browser: Browser, target: Target): Promise<Scrolling> {
  const { page, devtools } = await openMail(browser, target)
  await page.locator(LOADED_ROW).first().waitFor()
  let requests = 0
  page.on('request', (request) => {
    if (request.url().includes('/api/v1/messages?')) requests++
  })
  await browser.startTracing(page, {
    categories: ['toplevel', 'disabled-by-default-devtools.timeline', 'devtools.timeline'],
  })
  await wheel(page, devtools)
  const loadedMs = (await page.evaluate(DRAG)) as number
  const trace = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] }
  await page.context().close()
  const tasks = mainThreadTasks(trace.traceEvents)
  const longest = (key: 'dur' | 'tdur'): number => Math.max(...tasks.map((one) => one[key] ?? 0)) / 1_000
  return {
    longestMs: longest('dur'),
    longestCpuMs: longest('tdur'),
    longTasks: tasks.filter(({ dur = 0 }) => dur > LONG_TASK_MS * 1_000).length,
    loadedMs,
    requests,
  }
}

async function wheel(page: Page, devtools: CDPSession): Promise<void> {
  const box = await page.locator('.virtual-list').boundingBox()
  if (!box) throw new Error('the list has no box')
  const at = { x: box.x + box.width / 2, y: box.y + box.height / 2 }
  for (const yDistance of [-WHEEL.distance, WHEEL.distance / 2]) {
    await devtools.send('Input.synthesizeScrollGesture', {
      ...at,
      yDistance,
      speed: WHEEL.speed,
      gestureSourceType: 'mouse',
    })
  }
}

/** Returns the tasks of the page's main thread: of the renderer that did most. */
function mainThreadTasks(events: readonly TraceEvent[]): readonly TraceEvent[] {
  const threads = events.filter(
    ({ ph, name, args }) => ph === 'M' && name === 'thread_name' && args?.name === 'CrRendererMain',
  )
  const ofThreads = threads.map(({ pid, tid }) =>
    events.filter((one) => one.ph === 'X' && one.name === 'RunTask' && one.pid === pid && one.tid === tid),
  )
  const [most] = ofThreads.toSorted((a, b) => b.length - a.length)
  if (!most || most.length === 0) throw new Error('the trace has no tasks of a page')
  return most
}
