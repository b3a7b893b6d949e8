import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/time/clock.ts'
import { seededRandom } from '../../src/core/values/random.ts'
import { StoreDigest } from '../../src/storage/store/copy/digest.ts'
import { checkStore, openLmdbStore } from '../../src/storage/store/engines/lmdb/open.ts'
import { StoreError } from '../../src/storage/store/errors.ts'
import { startLab } from '../../src/testing/index.ts'
import { log } from '../support/log.ts'
import { Workplace } from '../support/sealpost.ts'
import { DAMAGES } from './damage.ts'
import { scaled } from './support.ts'

// A file that LMDB maps and that is damaged ends this process with a signal, and with it the tests.

const CONFIG = `
hostname: mail.lab.test
domain: lab.test
certificates: { store: certs, key: p256 }
store: { lmdb: data }
directory: { accounts: [{ user: alice, password: secret }] }
news:
  groups: [{ name: lab.test }]
dns: { port: 0, dnssec: true }
mail:
  authentication: { dkim: [{ domain: lab.test, algorithm: ed25519 }] }
virtualServers: [{ name: smtp, protocol: smtp, port: 0 }]
`
const STORE = 'data/messages.mdb'
/** Files that the lab makes again, or reads only when a command asks for them. */
const NOT_NEEDED = /\.reserve$|-lock$|\/issued\//
/** Keys that the lab makes again if they are deleted. */
const RENEWED = /certs\/(?:dkim|dns)\//

/** 1,000 corruptions of each file in the long form. Those without chance have one result. */
const roundsOf = (kind: string): number => (['empty', 'deleted'].includes(kind) ? 1 : scaled(1) > 1 ? 250 : 4)

const seed = Number(process.env.SEALPOST_SEED ?? Date.now() % 1e9)
const random = seededRandom(seed)
const template = new Workplace()

beforeAll(async () => {
  await using lab = await startLab(template.write('lab.yaml', CONFIG))
  for (const octets of [10, 500, 3000, 5000, 200_000]) {
    const raw = `Subject: ${octets}\r\nMessage-ID: <${octets}@x>\r\nNewsgroups: lab.test\r\n\r\n${'line\r\n'.repeat(octets / 6)}`
    await lab.deliver(raw, { to: 'alice@lab.test', from: 'bob@lab.test' })
    await lab.deliver(raw, { to: 'alice@lab.test', from: 'carol@lab.test' })
  }
})
afterAll(() => template.remove())

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))

function damage(file: string, kind: string): void {
  const change = DAMAGES[kind]
  if (change) writeFileSync(file, change(readFileSync(file), random))
  else rmSync(file)
}

const errorOf = (work: Promise<unknown>): Promise<Error | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => error as Error,
  )

describe(`seed ${seed}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sealpost-damage-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  async function contentOf(): Promise<string> {
    await using store = await openLmdbStore(folder, { clock: systemClock, log })
    return (await new StoreDigest().of(store.dump())).hash
  }

  /** Returns what `store check` says. */
  async function told(): Promise<string | undefined> {
    const report = await checkStore(folder, log).catch((error: Error) => error)
    return report instanceof Error ? report.message : report.faults[0]
  }

  test.each(Object.keys(DAMAGES))('the store says that its file is damaged: %s', async (kind) => {
    let original: string | undefined
    for (let round = 0; round < roundsOf(kind); round++) {
      rmSync(folder, { recursive: true })
      cpSync(join(template.folder, 'data'), folder, { recursive: true })
      original ??= await contentOf()
      damage(join(folder, basename(STORE)), kind)
      const message = await told()
      // Unused octets of the file do not matter.
      if (message === undefined) expect(await contentOf(), `round ${round}`).toBe(original)
      else expect([undefined, StoreError]).toContain((await errorOf(contentOf()))?.constructor)
    }
  })
})

test('a lab names the index of its certificates if that names a file that does not exist', async () => {
  const index = readFileSync(join(template.folder, 'certs/store.json'), 'latin1')
  const [path = ''] = /(?<=")certificates\/[^"]+/.exec(index) ?? []
  const copy = new Workplace()
  try {
    cpSync(template.folder, copy.folder, { recursive: true })
    writeFileSync(join(copy.folder, 'certs/store.json'), index.replace(path, `${path.slice(0, -1)}n`), 'latin1')
    await expect(startLab(join(copy.folder, 'lab.yaml'))).rejects.toThrow('which store.json names, is missing')
  } finally {
    copy.remove()
  }
})

test('a lab names the index of its certificates if that names an authority that it does not list', async () => {
  const copy = new Workplace()
  try {
    cpSync(template.folder, copy.folder, { recursive: true })
    const file = join(copy.folder, 'certs/store.json')
    writeFileSync(file, readFileSync(file, 'latin1').replace(/(?<="defaultAuthority": ?"[^"]*)L/, 'X'), 'latin1')
    await expect(startLab(join(copy.folder, 'lab.yaml'))).rejects.toThrow(/store\.json is damaged: .*Xab/)
  } finally {
    copy.remove()
  }
})

test('a lab names its damaged file', { timeout: 7_200_000 }, async () => {
  const files = filesOf(template.folder).filter((file) => file !== STORE)
  const kinds = Object.keys(DAMAGES)
  const ofEach = (kind: string, file: string) => Array.from({ length: roundsOf(kind) }, () => ({ kind, file }))
  const chosen =
    scaled(1) > 1
      ? files.flatMap((file) => kinds.flatMap((kind) => ofEach(kind, file)))
      : sample(
          files.flatMap((file) => kinds.map((kind) => ({ kind, file }))),
          12,
        )
  const unclear: string[] = []
  for (const { kind, file } of chosen) {
    const copy = new Workplace()
    try {
      cpSync(template.folder, copy.folder, { recursive: true })
      damage(join(copy.folder, file), kind)
      const error = await errorOf(startLab(join(copy.folder, 'lab.yaml')).then((lab) => lab[Symbol.asyncDispose]()))
      const what = `seed ${seed}: ${file}, ${kind}`
      if (error) {
        const isClear =
          error.message.includes(basename(file)) &&
          !/Cannot read prop|is not a function|routines:|undefined/.test(error.message)
        if (!isClear) unclear.push(`${what}: ${error.message}`)
      } else if (['empty', 'deleted'].includes(kind) && file !== 'lab.yaml' && !NOT_NEEDED.test(file)) {
        if (!RENEWED.test(file) || kind !== 'deleted') unclear.push(`${what}: no message`)
      }
    } finally {
      copy.remove()
    }
  }
  expect(unclear).toEqual([])
})

function sample<T>(all: readonly T[], count: number): T[] {
  return Array.from({ length: count }, () => all[Math.floor(random() * all.length)] as T)
}
