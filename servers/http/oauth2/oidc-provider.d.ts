/** The part of the package oidc-provider, and of the package koa below it, that the lab uses. */
declare module 'oidc-provider' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export interface KoaContext {
    readonly req: IncomingMessage
    readonly res: ServerResponse
    readonly oidc: OidcContext
    respond?: boolean
    status: number
    type: string
    body: unknown
  }

  /** The package's facts about the request that it answers. Parts are missing until they are known. */
  interface OidcContext {
    readonly params?: Readonly<Record<string, string | undefined>>
    readonly client?: ClientModel
    readonly session?: SessionModel
    /** The requested scopes that the server has. */
    readonly requestParamOIDCScopes: ReadonlySet<string>
  }

  interface SessionModel {
    readonly accountId?: string
    readonly state?: { readonly secret?: string }
  }

  interface ClientModel {
    readonly clientId: string
    readonly clientName?: string
    readonly redirectUris?: readonly string[]
    readonly tokenEndpointAuthMethod: string
    grantTypeAllowed(type: string): boolean
  }

  /** A record as it is stored. Times are in seconds. */
  export interface Payload {
    readonly jti?: string
    readonly kind?: string
    readonly iat?: number
    readonly exp?: number
    readonly iiat?: number
    readonly uid?: string
    readonly userCode?: string
    readonly grantId?: string
    readonly accountId?: string
    readonly clientId?: string
    readonly scope?: string
    readonly consumed?: number
  }

  /** Errors that the package answers in the form of RFC 6749 section 5.2. */
  export const errors: { readonly InvalidGrant: new (reason: string) => Error }

  export interface Adapter {
    upsert(id: string, payload: Payload, expiresIn?: number): Promise<void>
    find(id: string): Promise<Payload | undefined>
    findByUserCode(userCode: string): Promise<Payload | undefined>
    findByUid(uid: string): Promise<Payload | undefined>
    consume(id: string): Promise<void>
    destroy(id: string): Promise<void>
    revokeByGrantId(grantId: string): Promise<void>
  }

  interface TokenModel {
    jti: string
    readonly scope?: string
    readonly accountId?: string
    readonly clientId: string
    readonly expiration: number
    readonly grantId?: string
    getValueAndPayload(): Promise<{ value: string; payload?: Payload }>
  }

  interface GrantModel {
    readonly jti: string
    addOIDCScope(scope: string): void
    save(): Promise<string>
  }

  export interface Interaction {
    readonly uid: string
    readonly prompt: { readonly name: string }
    readonly params: Readonly<Record<string, string | undefined>>
  }

  class Prompt {
    constructor(options: { readonly name: string; readonly requestable: boolean })
  }

  interface Policy {
    get(name: string): { readonly checks: { remove(reason: string): void } }
    add(prompt: Prompt, at: number): void
  }

  export const interactionPolicy: { base(): Policy; readonly Prompt: typeof Prompt }

  export interface ProviderError extends Error {
    readonly error?: string
    readonly error_description?: string
    readonly error_detail?: string
  }

  export class Provider {
    constructor(issuer: string, configuration: object)
    readonly issuer: string
    readonly AccessToken: { readonly prototype: TokenModel }
    readonly ClientCredentials: { readonly prototype: TokenModel }
    readonly Client: { readonly prototype: { redirectUriAllowed(this: ClientModel, uri: string): boolean } }
    readonly Grant: new (of: {
      readonly clientId: string
      readonly accountId: string
    }) => GrantModel
    /** Finds a record that has not expired. */
    readonly Session: { find(id: string | undefined): Promise<object | undefined> }
    readonly Interaction: { find(uid: string): Promise<object | undefined> }
    cookieName(type: string): string
    createContext(
      request: IncomingMessage,
      response: ServerResponse,
    ): { readonly cookies: { get(name: string, options: { readonly signed: boolean }): string | undefined } }
    use(middleware: (ctx: KoaContext, next: () => Promise<void>) => Promise<void>): this
    on(event: string, listener: (ctx: KoaContext, error: ProviderError) => void): this
    callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
    interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<Interaction>
    interactionResult(request: IncomingMessage, response: ServerResponse, result: object): Promise<string>
  }
}
