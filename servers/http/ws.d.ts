/** The part of the package ws that the lab uses. */
declare module 'ws' {
  import type { EventEmitter } from 'node:events'
  import type { IncomingMessage } from 'node:http'
  import type { Duplex } from 'node:stream'

  export class WebSocket extends EventEmitter {
    constructor(
      url: string,
      protocols: readonly string[],
      options?: { readonly headers?: Readonly<Record<string, string>> },
    )
    constructor(
      url: string,
      options?: { readonly headers?: Readonly<Record<string, string>>; readonly origin?: string },
    )
    readonly protocol: string
    readonly bufferedAmount: number
    send(text: string): void
    ping(): void
    close(code?: number): void
    terminate(): void
  }

  export class WebSocketServer {
    constructor(options: {
      readonly noServer: boolean
      readonly maxPayload: number
      readonly clientTracking: boolean
      readonly handleProtocols?: () => string
    })
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      callback: (webSocket: WebSocket) => void,
    ): void
  }
}
