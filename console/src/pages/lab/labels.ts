import type { TextKey } from '../../texts/catalogue.ts'
import { t } from '../../texts/index.ts'

const LABELS = [
  'access',
  'accounts',
  'addresses',
  'baseUrl',
  'clientId',
  'clientSecret',
  'connector',
  'defects',
  'delivered',
  'description',
  'dnssec',
  'domains',
  'events',
  'failed',
  'filter',
  'filters',
  'format',
  'generated',
  'messages',
  'moderator',
  'name',
  'number',
  'password',
  'pending',
  'posting',
  'quota',
  'records',
  'redirectUris',
  'role',
  'route',
  'secret',
  'sent',
  'signed',
  'smartHost',
  'state',
  'to',
  'token',
  'unread',
  'url',
  'user',
  'when',
] as const

/** Returns the words for a key of the configuration: the key itself for the rarer ones. */
export function labelOf(key: string): string {
  const known = LABELS.find((one) => one === key)
  return known ? t(`lab.key_${known}` satisfies TextKey) : key
}
