import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AllowedDifference, allowedContent, allowedDifferences } from './differential/allowed.ts'
import { contentCases, transcripts } from './differential/cases.ts'
import { type ComparedServer, startOurs, startReference } from './differential/peers.ts'
import { playTranscript, type RecordedReply } from './differential/play.ts'

/** Transcripts played at the same time, because smtp-server waits 100 ms before each greeting. */
const PARALLEL = 25

let ours: ComparedServer
let reference: ComparedServer
/** The differences that are not allowed, by transcript. */
const differences = new Map<string, readonly string[]>()
const used = new Set<AllowedDifference>()

beforeAll(async () => {
  ours = await startOurs()
  reference = await startReference()
  const queue = [...transcripts]
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      differences.set(
        next.name,
        compare(await playTranscript(reference, next.transcript), await playTranscript(ours, next.transcript)),
      )
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
}, 120_000)

afterAll(async () => {
  await ours?.[Symbol.asyncDispose]()
  await reference?.[Symbol.asyncDispose]()
})

const ENDS_TRANSACTION = /^(?:RSET|EHLO|HELO|STARTTLS|\(content\))/i

/**
 * Returns the differences that are not allowed. Compares the codes, and the class of the enhanced codes if both servers
 * send one. Stops once only one server accepts a command, because the sessions are in different states then.
 */
function compare(theirs: readonly RecordedReply[], mine: readonly RecordedReply[]): string[] {
  const found: string[] = []
  let inTransaction = false
  for (const [i, own] of mine.entries()) {
    const their = theirs[i]
    const same = own.code === their?.code && sameClass(own.enhancedCode, their.enhancedCode)
    if (!same && !isAllowed(own, their?.code ?? '', inTransaction)) {
      found.push(`${JSON.stringify(own.command)}: smtp-server ${their?.line}, ours ${own.line}`)
    }
    if (isAccepted(own.code) !== isAccepted(their?.code)) return found
    if (isAccepted(own.code) && /^MAIL/i.test(own.command)) inTransaction = true
    else if (isAccepted(own.code) && ENDS_TRANSACTION.test(own.command)) inTransaction = false
  }
  if (theirs.length !== mine.length) found.push(`${theirs.length} replies from smtp-server, ${mine.length} from ours`)
  return found
}

const isAccepted = (code: string | undefined): boolean =>
  code?.startsWith('2') === true || code?.startsWith('3') === true

const sameClass = (one: string | undefined, other: string | undefined): boolean =>
  one === undefined || other === undefined || one[0] === other[0]

function isAllowed({ command, code }: RecordedReply, referenceCode: string, inTransaction: boolean): boolean {
  const found = allowedDifferences.find(
    (allowed) =>
      allowed.command.test(command) &&
      allowed.reference.test(referenceCode) &&
      allowed.ours.test(code) &&
      (!allowed.inTransaction || inTransaction),
  )
  if (found) used.add(found)
  return found !== undefined
}

describe('replies as from smtp-server', () => {
  test.each(transcripts.map(({ name }) => name))('%s', (name) => {
    expect(differences.get(name)).toEqual([])
  })

  test('every allowed difference occurs', () => {
    expect(allowedDifferences.filter((allowed) => !used.has(allowed))).toEqual([])
  })
})

describe('messages as from smtp-server', () => {
  test.each(contentCases)('$name', async ({ name, sender }) => {
    const [theirs, mine] = [await reference.received(sender), await ours.received(sender)]
    if (name in allowedContent) expect(mine, 'the allowed difference does not occur').not.toEqual(theirs)
    else expect(mine).toEqual(theirs)
  })
})
