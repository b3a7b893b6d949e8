import { expect, onTestFinished, test, vi } from 'vitest'
import { sortInSteps } from '../../src/core/text/sorting.ts'
import {
  CommandTurns,
  isSliceOver,
  nextSlice,
  nextTurn,
  runInSlices,
  runToEnd,
  type Steps,
} from '../../src/core/time/time-slice.ts'

/** Replaces the clock. Returns a function that moves it. */
function fakeClock(): (ms: number) => void {
  let now = 0
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now)
  onTestFinished(async () => {
    clock.mockRestore()
    await nextTurn()
  })
  return (ms) => {
    now += ms
  }
}

/** Steps that each take some milliseconds. */
function* working(pass: (ms: number) => void, stepMs: number, steps: number, onStep = (): void => {}): Steps<string> {
  for (let step = 0; step < steps; step++) {
    pass(stepMs)
    onStep()
    yield
  }
  return 'done'
}

test('short work returns immediately, long work later', async () => {
  const pass = fakeClock()
  await nextTurn()
  expect(runInSlices(working(pass, 1, 5))).toBe('done')
  await nextTurn()
  const later = runInSlices(working(pass, 1, 50))
  expect(later).toBeInstanceOf(Promise)
  expect(await later).toBe('done')
  expect(runToEnd(working(pass, 1, 50))).toBe('done')
})

test('a failure of long work rejects', async () => {
  const pass = fakeClock()
  const failing = function* (): Steps<void> {
    yield* working(pass, 5, 10)
    throw new Error('broken')
  }
  await expect(async () => runInSlices(failing())).rejects.toThrow('broken')
})

test('all long work together takes one slice per turn, in the order of waiting', async () => {
  const pass = fakeClock()
  await nextTurn()
  const ended: number[] = []
  let perTurn = 0
  let most = 0
  const works = Array.from({ length: 5 }, (_, i) =>
    Promise.resolve(
      runInSlices(
        working(pass, 6, 6, () => {
          most = Math.max(most, (perTurn += 6))
        }),
      ),
    ).then(() => ended.push(i)),
  )
  const finished = Promise.all(works)
  let isFinished = false
  finished.then(() => {
    isFinished = true
  })
  // The first turn begins all of them.
  for (perTurn = 0, most = 0; !isFinished; perTurn = 0) await new Promise(setImmediate)
  expect(most).toBeLessThanOrEqual(24)
  expect(ended).toEqual([0, 1, 2, 3, 4])
})

test('after long commands, the commands of sessions begin one per turn', async () => {
  const pass = fakeClock()
  await nextTurn()
  const sessions = Array.from({ length: 4 }, () => new CommandTurns())
  for (const session of sessions) {
    await nextTurn()
    expect(session.begin()).toBeUndefined()
    pass(5)
    session.pause()
  }
  isSliceOver()
  pass(11)
  let turns = 0
  const beganIn = await Promise.all(
    sessions.map(async (session) => {
      const waiting = session.begin()?.then(() => turns)
      if (session === sessions[0]) for (; turns < 8; turns++) await new Promise(setImmediate)
      return waiting
    }),
  )
  expect(new Set(beganIn).size).toBe(4)
})

test('after short commands, commands do not wait for those of others', async () => {
  const pass = fakeClock()
  await nextTurn()
  const [long, short] = [new CommandTurns(), new CommandTurns()]
  long.begin()
  pass(5)
  long.pause()
  isSliceOver()
  pass(11)
  const events: string[] = []
  const all = [nextSlice(), nextSlice(), nextSlice()].map((work) => work.then(() => events.push('work')))
  all.push(Promise.resolve(long.begin()).then(() => events.push('long')))
  all.push(Promise.resolve(short.begin()).then(() => events.push('short')))
  await Promise.all(all)
  expect(events.slice(0, 3).sort()).toEqual(['long', 'short', 'work'])
})

test('sorting in steps keeps the order of equal items, and pauses', () => {
  for (const count of [0, 1, 255, 256, 257, 1_000, 5_000]) {
    const items = Array.from({ length: count }, (_, i) => ({ key: (i * 7919) % 97, i }))
    const compare = (a: { key: number }, b: { key: number }): number => a.key - b.key
    const steps = sortInSteps(items, compare)
    let pauses = 0
    let step = steps.next()
    for (; !step.done; step = steps.next()) pauses++
    expect(step.value).toEqual([...items].sort(compare))
    expect(pauses).toBeGreaterThanOrEqual(Math.floor(count / 256))
  }
})

test('after its wait, a session of short commands runs several of them, but no longer than a short one takes', async () => {
  const pass = fakeClock()
  await nextTurn()
  isSliceOver()
  pass(20)
  // Long work uses up the slice of the next turn as well.
  const others = nextSlice().then(() => {
    isSliceOver()
    pass(20)
  })
  const turns = new CommandTurns()
  await Promise.all([others, turns.begin()])
  expect(isSliceOver()).toBe(true)
  let commands = 0
  do {
    commands++
    pass(0.25)
  } while (turns.begin() === undefined)
  expect(commands).toBe(9)
})
