import { setTimeout as wait } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import { END, greeted, send } from '../frame/smtp.ts'
import type { Target } from '../frame/types.ts'
import { openMail } from './browser.ts'

/** Offers `drawn(subject)`, which resolves to the time when a frame with that message as the newest was drawn. */
const WATCH = `
  const drawnAt = new Map()
  const asked = new Map()
  const look = () => {
    const subject = document.querySelector('.virtual-row[aria-posinset="1"] .subject')?.textContent
    if (!subject || drawnAt.has(subject)) return
    drawnAt.set(subject, undefined)
    requestAnimationFrame(() => {
      // A task after the frame: the frame is drawn.
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        drawnAt.set(subject, performance.timeOrigin + performance.now())
        asked.get(subject)?.(drawnAt.get(subject))
      }
      port2.postMessage(undefined)
    })
  }
  window.drawn = (subject) =>
    drawnAt.get(subject) ?? new Promise((resolve) => asked.set(subject, resolve))
  new MutationObserver(look).observe(document.querySelector('main'), { childList: true, subtree: true, characterData: true })`

/** Sends messages one after another, and returns for each the milliseconds from `250` until its row was drawn. */
export async function arrivals(browser: Browser, target: Target, count: number): Promise<number[]> {
  const { page } = await openMail(browser, target)
  await page.locator('.virtual-row').first().waitFor()
  await page.evaluate(WATCH)
  const wire = await greeted({ host: target.host, port: target.smtpPort as number })
  const times: number[] = []
  for (let number = 1; number <= count; number++) {
    const subject = `Arrival ${number} of ${Date.now()}`
    const message = `From: Shop <shop@app.test>\r\nTo: bob@lab.test\r\nSubject: ${subject}\r\n\r\nYour order.\r\n`
    await send(wire, Buffer.concat([Buffer.from(message), END]))
    const accepted = performance.timeOrigin + performance.now()
    times.push(((await page.evaluate(`drawn('${subject}')`)) as number) - accepted)
    // Not in step with the frames of the browser or the timers of the page.
    await wait(Math.random() * 300)
  }
  wire.close()
  await page.context().close()
  return times
}
