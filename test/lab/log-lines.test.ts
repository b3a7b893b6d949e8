import pino from 'pino'
import { expect, it } from 'vitest'
import { LogLines } from '../../src/lab/recording/log-lines.ts'

const clock = { now: () => 1_795_671_094_541 }

function linesOf(level = 'info') {
  const written: Record<string, unknown>[] = []
  const log = pino({ level, base: null }, { write: (text: string) => written.push(JSON.parse(text)) })
  return { written, log, lines: new LogLines(log, clock) }
}

it('keeps nothing until somebody can read it, and always writes', () => {
  const { written, lines } = linesOf()
  lines.log.info('before')
  lines.keep()
  lines.log.child({ server: 'smtp' }).warn({ session: 'smtp-1' }, 'after')
  expect(lines.list()).toEqual([
    { id: '1', at: clock.now(), level: 'warn', message: 'after', facts: '{"server":"smtp","session":"smtp-1"}' },
  ])
  expect(written).toMatchObject([{ msg: 'before' }, { msg: 'after', server: 'smtp', session: 'smtp-1' }])
})

it('keeps lines from info on, and those below that the log writes', () => {
  for (const [level, kept] of [
    ['silent', ['info']],
    ['error', ['info']],
    ['debug', ['info', 'debug']],
  ] as const) {
    const { lines } = linesOf(level)
    lines.keep()
    lines.log.trace('one')
    lines.log.debug('two')
    lines.log.info('three')
    expect(lines.list().map((line) => line.level)).toEqual(kept)
  }
})

it('follows a log whose level changes', () => {
  const { lines, log, written } = linesOf()
  lines.keep()
  log.level = 'debug'
  lines.log.debug('fine')
  expect([lines.list().length, written.length]).toEqual([1, 1])
})

it('shows no secret and no stack', () => {
  const { lines } = linesOf()
  lines.keep()
  const error = Object.assign(new Error('cannot reach https://alice:hunter2@host.test/?token=hunter2'), { code: 'EX' })
  lines.log.error({ err: error, url: 'http://h.test/?api_key=hunter2', password: 'hunter2' }, 'http://a:hunter2@b.test')
  lines.log.error(error)
  const [alone, line] = lines.list()
  expect(JSON.stringify(lines.list())).not.toContain('hunter2')
  expect(line?.message).toBe('http://***@b.test')
  expect(JSON.parse(line?.facts ?? '')).toEqual({
    err: { type: 'Error', message: 'cannot reach https://***@host.test/?token=***', code: 'EX' },
    url: 'http://h.test/?api_key=***',
    password: '***',
  })
  expect(alone?.message).toBe('cannot reach https://***@host.test/?token=***')
})

it('is bounded in lines and octets', () => {
  const { lines } = linesOf('silent')
  lines.keep()
  for (let count = 0; count < 12_000; count++) lines.log.info('a line')
  expect(lines.list()).toHaveLength(10_000)
  expect([lines.get('2000'), lines.get('2001')?.message]).toEqual([undefined, 'a line'])
  for (let count = 0; count < 3_000; count++) lines.log.info({ text: 'x'.repeat(3_900) }, 'long')
  expect(lines.list().length).toBeLessThan(600)
  lines.log.info({ text: 'x'.repeat(5_000) }, 'y'.repeat(2_000))
  const [longest] = lines.list()
  expect(longest?.message).toHaveLength(1_000)
  expect(JSON.parse(longest?.facts ?? '')).toEqual({ omitted: '5011 characters of facts' })
})
