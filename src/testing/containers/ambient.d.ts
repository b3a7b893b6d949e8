// The part of the types of testcontainers that is used here. The package needs a newer Node.js than this one, and is large.
// Declarations in dist/ import the real one.

declare module 'testcontainers' {
  type Port = number | { readonly container: number; readonly host: number }

  export interface StartedTestContainer extends AsyncDisposable {
    getHost(): string
    getMappedPort(port: number): number
  }

  export abstract class AbstractStartedContainer implements StartedTestContainer {
    constructor(startedTestContainer: StartedTestContainer)
    getHost(): string
    getMappedPort(port: number): number
    stop(): Promise<object>
    [Symbol.asyncDispose](): Promise<void>
  }

  export interface WaitStrategy {
    withStartupTimeout(ms: number): WaitStrategy
  }

  export class GenericContainer {
    protected environment: Record<string, string>
    protected hostConfig: { Sysctls?: Record<string, string> }
    protected logConsumer?: (stream: import('node:stream').Readable) => unknown
    protected networkAliases: string[]
    protected networkMode?: string
    protected waitStrategy: WaitStrategy | undefined
    constructor(image: string)
    protected hasExposedPort(port: Port): boolean
    start(): Promise<StartedTestContainer>
    withEnvironment(environment: Record<string, string>): this
    withExposedPorts(...ports: Port[]): this
    withWaitStrategy(strategy: WaitStrategy): this
  }

  export const Wait: {
    forAll(strategies: WaitStrategy[]): WaitStrategy
    forHttp(path: string, port: number): WaitStrategy
    forLogMessage(message: RegExp): WaitStrategy
  }

  export function getContainerRuntimeClient(): Promise<{
    readonly info: { readonly containerRuntime: { readonly host: string } }
  }>
}
