import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/core/values/random.ts'
import { newFolder } from '../support/folder.ts'
import { needs } from '../support/programs.ts'
import { diff, randomPair } from './texts.ts'

const seed = 823025

describe.runIf(needs('patch'))('patch(1)', () => {
  let folder: string
  beforeAll(() => {
    folder = newFolder()
  })

  it('applies every unified difference, also without a line end at the end', () => {
    const random = seededRandom(seed)
    const file = join(folder, 'text')
    for (let round = 0; round < 60; round++) {
      const [before, after] = randomPair(random)
      if (before === after) continue
      writeFileSync(file, before)
      execFileSync('patch', ['--silent', '--posix', file], { input: diff(before, after) })
      const patched = readFileSync(file, { encoding: 'utf8' })
      expect(patched, `seed ${seed}, round ${round}`).toBe(after)
    }
  })
})
