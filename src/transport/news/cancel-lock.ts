import { createHash, createHmac, randomBytes } from 'node:crypto'
import { StoreError } from '../../storage/store/errors.ts'
import type { MessageStore } from '../../storage/store/types.ts'
import type { Article } from './article.ts'

/** Splits a field into its `scheme:base64` elements. Schemes are case-insensitive. RFC 8315 section 2. */
export const lockElements = (value: string | undefined): string[] =>
  (value ?? '')
    .split(/[ \t]+/)
    .filter((element) => element.includes(':'))
    .map((element) => element.replace(/^[^:]+/, (scheme) => scheme.toLowerCase()))

/** Returns the lock that a key opens: the hash of the key's base64 text. RFC 8315 section 3.1. */
export function lockOf(key: string): string {
  const [scheme = '', secret = ''] = key.split(':')
  if (scheme !== 'sha256' && scheme !== 'sha1') return ''
  return `${scheme}:${createHash(scheme).update(secret).digest('base64')}`
}

const STATE_KEY = 'news.cancel-secret'
const SECRET_OCTETS = 32
/** The secrets being created right now. */
const created = new WeakMap<MessageStore, Promise<string>>()

/** Returns the secret of a store, which survives restarts. A cleared store gets a new one. @throws StoreError if it cannot be kept */
async function secretOf(store: MessageStore): Promise<string> {
  const kept = await store.getState(STATE_KEY)
  if (kept !== undefined) return kept
  const creating = created.get(store) ?? createSecret(store).finally(() => created.delete(store))
  created.set(store, creating)
  return creating
}

async function createSecret(store: MessageStore): Promise<string> {
  const kept = await store.getState(STATE_KEY)
  if (kept !== undefined) return kept
  const secret = randomBytes(SECRET_OCTETS).toString('base64')
  await store.setState(STATE_KEY, secret)
  return secret
}

/**
 * Returns the key with which an account cancels its article: an HMAC of both. RFC 8315 section 4. Undefined if the store
 * cannot keep the secret, because it is full or read-only: the article then has no lock of the server.
 */
async function cancelKeyOf(store: MessageStore, account: string, messageId: string): Promise<string | undefined> {
  try {
    const secret = await secretOf(store)
    return `sha256:${createHmac('sha256', secret).update(`${account}\n${messageId}`).digest('base64')}`
  } catch (error) {
    if (error instanceof StoreError) return undefined
    throw error
  }
}

/** Returns the message-id that an article wants to remove: of a cancel message, or of Supersedes. */
function targetOf(article: Article): string | undefined {
  const [kind = '', target] = (article.value('control') ?? '').split(/[ \t]+/)
  return kind.toLowerCase() === 'cancel' ? target : article.value('supersedes')
}

/**
 * Returns the lines of Cancel-Lock and Cancel-Key of an article that a logged-on poster injects: those of the poster, and
 * those of the server, which knows that later cancels come from the same account. RFC 8315 sections 3.1 to 3.4.
 */
export async function cancelFields(
  store: MessageStore,
  article: Article,
  account: string,
  messageId: string,
): Promise<readonly string[]> {
  const key = await cancelKeyOf(store, account, messageId)
  const target = targetOf(article)
  const targetKey = target === undefined ? undefined : await cancelKeyOf(store, account, target)
  const line = (name: 'Cancel-Lock' | 'Cancel-Key', added: string | undefined): string[] => {
    const nameLower = name === 'Cancel-Lock' ? 'cancel-lock' : 'cancel-key'
    const elements = [article.value(nameLower), added].filter((element) => element !== undefined)
    return elements.length === 0 ? [] : [`${name}: ${elements.join(' ')}`]
  }
  // A cancel message needs no lock, and the one who approves an article is not its author.
  const isLocked = !article.has('control') && !article.has('approved')
  return [
    ...line('Cancel-Lock', key !== undefined && isLocked ? lockOf(key) : undefined),
    ...line('Cancel-Key', targetKey),
  ]
}

/** The account that an Injection-Info field names. RFC 5536 section 3.2.8. */
const POSTING_ACCOUNT = /;[ \t]*posting-account="((?:[^"\\]|\\.)*)"/

/**
 * Returns the key of an article that an account has injected here, for someone else who may cancel it; undefined if it was
 * not injected here, or without a log-on.
 */
export async function keyForOthers(
  store: MessageStore,
  article: Article,
  hostname: string,
): Promise<string | undefined> {
  const injection = article.value('injection-info') ?? ''
  const account = POSTING_ACCOUNT.exec(injection)?.[1]?.replace(/\\(.)/g, '$1')
  const messageId = article.value('message-id')
  if (account === undefined || messageId === undefined || !injection.startsWith(`${hostname};`)) return undefined
  return cancelKeyOf(store, Buffer.from(account, 'latin1').toString(), messageId)
}
