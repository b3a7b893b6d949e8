import type { Context } from 'hono'
import type { TenantScope } from '../../../src/accounts/directory/tenants.ts'
import type { Account } from '../../../src/accounts/directory/types.ts'
import type { Api } from '../../../src/api/api.ts'
import type { WebhookPost } from '../../../src/api/webhooks/types.ts'
import type { ProviderEvent } from '../../../src/core/config/schema/provider-events.ts'
import type { ProviderConfig, ProviderHook, ProviderRefusal } from '../../../src/core/config/schema/providers.ts'
import type { MessageDraft } from '../../../src/mail/format/compose.ts'
import type { SentBy, SentByDetails } from '../../../src/mail/format/sent-by.ts'
import type { ServerContext } from '../../service.ts'
import type { Env } from '../env.ts'

/** Why a request is refused. The errors of each provider have a row for each. The message of `bad-address` is the address. */
export type ErrorKind = ProviderRefusal | 'invalid' | 'bad-address' | 'unknown-template' | 'not-found' | 'not-offered'

/** A request that is refused. The provider's error forms write the answer. */
export class ProviderError extends Error {
  override readonly name = 'ProviderError'
  readonly kind: ErrorKind
  /** The field that is wrong. */
  readonly field: string | undefined
  /** The code of the provider, or that of `jsonBody`. */
  readonly code: string | undefined
  constructor(kind: ErrorKind, message: string, field?: string, code?: string) {
    super(message)
    this.kind = kind
    this.field = field
    this.code = code
  }
}

/** JSON that an answer has in its own. It stays outside the heap, which might have no room for it. */
export class RawJson {
  readonly octets: Buffer
  constructor(octets: Buffer) {
    this.octets = octets
  }
}

/** Octets that the JSON of an answer has in base64. */
export class Base64 extends RawJson {
  constructor(octets: Buffer, encoding: 'base64' | 'base64url') {
    const text = octets.toString(encoding)
    const json = Buffer.alloc(text.length + 2, '"')
    // A text of that size is outside the heap. A text with quotes around it would be copied into the heap.
    json.write(text, 1, 'latin1')
    super(json)
  }
}

/** An answer of a provider. */
export interface Answer {
  /** Default: 200. */
  readonly status?: number
  /** An object other than octets is sent as JSON. Default: nothing. */
  readonly body?: object | string | Buffer
  readonly headers?: Readonly<Record<string, string>>
}

/** The credential in a request. */
export interface Credential {
  readonly id?: string
  /** The key as a person recognizes it; its last four characters are shown. */
  readonly shown: string
  /** Returns whether it was made with a secret of the configuration. */
  matches(secret: string): boolean
  /** The account of an access token. */
  readonly account?: Account
}

/** A provider of a virtual server, as an application has it. */
export interface Origin {
  readonly api: Api
  readonly provider: Provider
  readonly config: ProviderConfig
  readonly virtualServer: string
  /** The URL at which the application has the provider. */
  readonly base: string
}

/** A request in a batch. */
export interface BatchedRequest {
  readonly method: string
  /** Its path, as the provider has it, with the query. */
  readonly target: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** A request to the API of a provider. */
export interface ProviderCall extends Origin {
  readonly context: ServerContext
  readonly c: Context<Env>
  /** Only its accounts get mail: the request is below `/t/TENANT`. */
  readonly tenant: TenantScope | undefined
  /** The path as the provider has it. */
  readonly path: string
  readonly params: Readonly<Record<string, string>>
  readonly body: Buffer
  /** The last four characters of the key. */
  readonly key: string
  /** The account whose access token the request has. */
  readonly account?: Account
  /** Answers a request of a batch as if it came alone. It has the key of the batch, or its own. @throws ProviderError */
  readonly batched: (
    request: BatchedRequest,
  ) => Promise<{ readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly octets: Buffer }>
}

/** A path of a provider's API. */
export interface ProviderRoute {
  readonly method: string
  /** Whether it takes requests without a key. */
  readonly isPublic?: true
  /** With named groups for its parameters. */
  readonly path: RegExp
  run(call: ProviderCall): Promise<Answer> | Answer
}

/** A message that an application sends. */
export interface OutgoingMail extends Partial<Pick<SentBy, 'tags' | 'arguments'> & Pick<SentByDetails, 'details'>> {
  readonly id: string
  readonly from: string
  readonly recipients: readonly string[]
  /** The address that must be verified. Default: the sender. */
  readonly verifiedAs?: string
  readonly content: MessageDraft | Buffer
  /** When it is delivered, in milliseconds since the epoch. Default: now. */
  readonly sendAt?: number | undefined
  /** The id of its batch. */
  readonly batch?: string | undefined
}

/** A message that was sent, as its events describe it. */
export interface SentMail extends Required<Omit<OutgoingMail, 'verifiedAs' | 'content' | 'sendAt' | 'batch'>> {
  readonly raw: Buffer
  readonly subject: string
  /** Without angle brackets. */
  readonly messageId: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** Id of the session that sent it. */
  readonly session?: string | undefined
}

/** An event of a message. */
export interface MailEvent {
  readonly id: string
  readonly type: ProviderEvent
  readonly recipient: string
  /** The reply of the server of the recipient. */
  readonly reply: { readonly code: number; readonly status: string; readonly text: string }
  readonly at: number
  readonly mail: SentMail
}

export type WebhookRequest = Pick<WebhookPost, 'event' | 'body' | 'headers' | 'sign'>

/** Returns the requests to a webhook for events of one message. */
export type EventPosts = (
  events: readonly MailEvent[],
  target: Pick<Origin, 'api' | 'base'> & { readonly hook: ProviderHook },
) => readonly WebhookRequest[] | Promise<readonly WebhookRequest[]>

/** A provider: its paths, and the forms of what it says. */
export interface Provider {
  readonly routes: readonly ProviderRoute[]
  /** Returns the credential in a request; undefined if it has none of the right form. */
  credentialOf(call: Omit<ProviderCall, 'key'>): Credential | undefined | Promise<Credential>
  /** Returns the answer to a refused request. @param limit the limit that it may have reached, in messages */
  errorOf(
    error: ProviderError,
    limit: { readonly limit: number; readonly resetAtMs: number; readonly nowMs: number },
    call: Pick<ProviderCall, 'path' | 'c'>,
  ): Answer
  /** Returns the Message-ID of a message, without angle brackets. */
  messageIdOf(id: string): string
  /** Addresses for tests that the provider documents, and the events of mail to them. */
  readonly testAddresses?: readonly (readonly [address: RegExp, event: ProviderEvent])[]
  /** Absent: bounces come by mail. */
  readonly eventPosts?: EventPosts
}
