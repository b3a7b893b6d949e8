import type { OutputOf } from '../../api/client.ts'

export type Settings = OutputOf<'clientSettings.get'>
export type Account = OutputOf<'accounts.list'>['items'][number]
export type Program = Settings['programs'][number]
