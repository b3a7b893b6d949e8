// The parts of Jest's and Playwright's types that the fixtures use. Both are large, and belong to the projects that use
// them. Declarations in dist/ import the real ones; `npm run test:runners` compiles them against those.

declare module 'expect' {
  export interface Matchers<R, T = unknown> {
    readonly not: Matchers<R, T>
  }
}

declare module '@jest/globals' {
  type Hook = (run: () => Promise<void>) => void
  interface Test {
    (name: string, run: () => unknown, timeoutMs?: number): void
    each(...table: unknown[]): (name: string, run: (...row: unknown[]) => unknown, timeoutMs?: number) => void
    todo(name: string): void
    readonly only: Test
    readonly skip: Test
    readonly failing: Test
    readonly concurrent: Test
  }
  export const afterAll: Hook
  export const afterEach: Hook
  export const beforeAll: Hook
  export const beforeEach: Hook
  export const expect: { extend(matchers: object): void }
  export const test: Test
}

declare module '@playwright/test' {
  export interface PlaywrightTestArgs {
    readonly page: unknown
  }
  export interface PlaywrightTestOptions {
    readonly baseURL: string | undefined
  }
  export interface PlaywrightWorkerArgs {
    readonly browser: unknown
  }
  export interface PlaywrightWorkerOptions {
    readonly headless: boolean
  }
  export interface TestType<T, W> {
    (title: string, run: (fixtures: T & W) => unknown): void
    extend<T2, W2>(fixtures: object): TestType<T & T2, W & W2>
  }
  export interface Expect<M> {
    extend<N>(matchers: N): Expect<M & N>
  }
  export const test: TestType<
    PlaywrightTestArgs & PlaywrightTestOptions,
    PlaywrightWorkerArgs & PlaywrightWorkerOptions
  >
  export const expect: Expect<object>
}
