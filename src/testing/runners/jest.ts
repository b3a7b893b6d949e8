import '../../core/async/disposal.ts'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test as jestTest } from '@jest/globals'
import type { LabInput } from '../../core/config/schema.ts'
import { type LabMatchers, matchers } from '../matchers/matchers.ts'
import type { StartLabOptions } from '../start-lab.ts'
import { type LabFixtures, LabOnDemand } from './fixtures.ts'
import { type SuiteLab, useLabWith } from './suite-lab.ts'

declare module 'expect' {
  interface Matchers<R> extends LabMatchers<R> {}
}

declare global {
  namespace jest {
    /** For `@types/jest`. */
    interface Matchers<R> extends LabMatchers<R> {}
  }
}

expect.extend(matchers)

type Body<Row extends readonly unknown[] = []> = (fixtures: LabFixtures, ...row: Row) => unknown
type Define = (name: string, body: Body, timeoutMs?: number) => void
type Row<T> = T extends readonly unknown[] ? T : [T]

interface Each {
  <T>(table: readonly T[]): (name: string, body: Body<Row<T>>, timeoutMs?: number) => void
  <T = Record<string, unknown>>(
    strings: TemplateStringsArray,
    ...values: unknown[]
  ): (name: string, body: Body<[T]>, timeoutMs?: number) => void
}

interface DefineEach extends Define {
  readonly each: Each
}

/** Jest's `test`, whose tests get a lab and a tenant. */
export interface LabTest extends DefineEach {
  readonly only: DefineEach
  readonly skip: DefineEach
  readonly failing: Define
  readonly concurrent: DefineEach & { readonly only: DefineEach; readonly skip: DefineEach }
  todo(name: string): void
}

export interface LabTestOptions extends StartLabOptions {
  /** `test`: a lab for each test. `file` (the default): one lab per test file or `describe`. */
  readonly scope?: 'test' | 'file'
}

/** A way of Jest to define a test: `test`, `test.only` … */
type JestDefine = typeof jestTest

/** Ways to define tests that are properties of another way. */
const VARIANTS = ['only', 'skip', 'failing', 'concurrent'] as const

/** Returns a `test` with a lab that starts when first used: `labTest({ … })('…', async ({ lab }) => …)`. */
export function labTest(config?: LabInput | string, { scope = 'file', ...options }: LabTestOptions = {}): LabTest {
  const shared = new LabOnDemand(config, options)
  if (scope === 'file') afterAll(() => shared.stop())
  const run = async (body: Body<unknown[]>, row: unknown[]): Promise<void> => {
    if (scope === 'file') return void (await shared.run((fixtures) => body(fixtures, ...row)))
    const own = new LabOnDemand(config, options)
    try {
      await own.run((fixtures) => body(fixtures, ...row))
    } finally {
      await own.stop()
    }
  }
  // No parameters: Jest would wait for a callback.
  const withLab =
    (body: Body<unknown[]>) =>
    (...row: unknown[]) =>
      run(body, row)
  const wrap = (define: JestDefine): LabTest => {
    const wrapped = (name: string, body: Body, timeoutMs?: number) =>
      define(name, () => withLab(body)(), ...limit(timeoutMs))
    const each = (...table: unknown[]) => {
      const defineRow = define.each(...table)
      return (name: string, body: Body<unknown[]>, timeoutMs?: number) =>
        defineRow(name, withLab(body), ...limit(timeoutMs))
    }
    const variants = VARIANTS.filter((name) => define[name]).map((name) => [name, wrap(define[name])])
    return Object.assign(wrapped, { each, todo: define.todo, ...Object.fromEntries(variants) })
  }
  return wrap(jestTest)
}

/** A missing limit is left out, because Jest checks the number of arguments. */
const limit = (timeoutMs: number | undefined): [] | [number] => (timeoutMs === undefined ? [] : [timeoutMs])

/** Starts a lab before the tests of this file or `describe` and stops it after them. Each test gets a tenant. */
export function useLab(config?: LabInput | string, options?: StartLabOptions): SuiteLab {
  return useLabWith({ beforeAll, beforeEach, afterEach, afterAll }, config, options)
}

/** A `test` with the lab of `startLab()`, one per file. */
export const test: LabTest = labTest()
export const it: LabTest = test
export type { LabFixtures, SuiteLab }
export { expect, matchers }
