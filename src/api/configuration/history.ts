import { z } from 'zod'
import { type DiffText, hunksOf, linesOfText } from '../../core/text/unified-diff.ts'
import { systemClock } from '../../core/time/clock.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import type { ValueSpace } from '../../storage/store/value-types.ts'
import type { Caller } from '../caller.ts'
import { ApiProblem, notFound } from '../problem.ts'
import { difference, differenceOf } from './difference.ts'

/** Changes that are kept. The oldest are forgotten. */
export const MAX_HISTORY = 100

const SPACE: ValueSpace = { kind: 'configuration' }

const change = z.object({
  id: z.string(),
  /** Milliseconds since the epoch, by the clock of the machine. */
  at: z.number(),
  by: z.string(),
  via: z.enum(['http', 'command-line']),
  undoes: z.string().optional(),
  ...difference,
  /** The changed parts with their secrets, to undo the change. Never shown. */
  parts: z.array(z.object({ line: z.number(), former: z.array(z.string()), present: z.array(z.string()) })),
})

/** A change of the configuration that was applied. */
type RecordedChange = z.output<typeof change>

interface NewChange {
  readonly before: string
  readonly after: string
  /** The name of the configuration. */
  readonly name: string
  readonly caller: Caller
  /** The change that this one undoes. */
  readonly undoes?: string | undefined
}

/** Writes a change to the history. @throws StoreError */
export async function recordChange(store: MessageStore, { before, after, name, caller, undoes }: NewChange) {
  const recorded = {
    at: systemClock.now(),
    by: caller.name,
    via: caller.virtualServer === undefined ? 'command-line' : 'http',
    undoes,
    ...differenceOf(before, after, name),
    parts: partsOf(before, after),
  }
  await store.changeValues(SPACE, (values) => {
    const numbers = Array.from(values.keys(), Number).sort((a, b) => a - b)
    const id = `${(numbers.at(-1) ?? 0) + 1}`
    const forgotten = numbers.slice(0, Math.max(0, numbers.length + 1 - MAX_HISTORY))
    const written = Buffer.from(JSON.stringify({ id, ...recorded }))
    return new Map<string, Buffer | undefined>([
      ...forgotten.map((one) => [`${one}`, undefined] as const),
      [id, written],
    ])
  })
}

/** Returns the changes, the latest first. @throws StoreError */
export async function recordedChanges(store: MessageStore): Promise<RecordedChange[]> {
  const values = await store.values(SPACE)
  const found = Array.from(values.values(), (value) => change.parse(JSON.parse(value.toString())))
  return found.sort((a, b) => Number(b.id) - Number(a.id))
}

/** @throws ApiProblem `not-found`, StoreError */
export async function recordedChange(store: MessageStore, id: string): Promise<RecordedChange> {
  const value = (await store.values({ ...SPACE, names: [id] })).get(id)
  if (value) return change.parse(JSON.parse(value.toString()))
  throw notFound(
    `the history has no change ${id}; sealpost config history and GET /api/v1/configuration/history list the changes`,
  )
}

function partsOf(before: string, after: string): RecordedChange['parts'] {
  return hunksOf(diffTextOf(before), diffTextOf(after)).map(({ newStart, lines }) => ({
    line: newStart,
    former: lines.filter(({ kind }) => kind !== 'added').map(({ text }) => text),
    present: lines.filter(({ kind }) => kind !== 'removed').map(({ text }) => text),
  }))
}

const diffTextOf = (text: string): DiffText => ({ lines: linesOfText(text), shown: linesOfText(text) })

/** Returns a text without a change. Later changes elsewhere in the text stay. @throws ApiProblem `conflict` */
export function textWithout({ id, parts }: RecordedChange, text: string): string {
  const lines = text.split('\n')
  // From the last part to the first, so that the lines of the others stay where they are.
  for (const { line, former, present } of parts.toReversed()) {
    const at = matchingLine(present, lines, line - 1)
    if (at === undefined) {
      const why = 'these lines have changed since'
      throw new ApiProblem('conflict', `the change ${id} cannot be undone: ${why}; undo the later changes first`)
    }
    lines.splice(at, present.length, ...former)
  }
  return lines.join('\n')
}

/** Returns where lines are found, as near as possible to the place where they were. */
function matchingLine(wanted: readonly string[], lines: readonly string[], near: number): number | undefined {
  const places = Array.from({ length: Math.max(0, lines.length - wanted.length + 1) }, (_, at) => at)
  return places
    .filter((at) => wanted.every((line, index) => lines[at + index] === line))
    .sort((a, b) => Math.abs(a - near) - Math.abs(b - near))[0]
}
