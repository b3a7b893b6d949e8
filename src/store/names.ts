import { type Owner, PUBLIC_OWNER } from './types.ts'

/** The name a folder is kept under: `INBOX`, alone or as the first level, in this spelling. RFC 9051 section 5.1. */
export function folderName(owner: Owner, name: string): string {
  if (owner === PUBLIC_OWNER || !/^inbox(?:\/|$)/i.test(name)) return name
  return `INBOX${name.slice(5)}`
}

/** The name after `from` was renamed to `to`, or undefined where `name` is neither that folder nor below it. */
export function renamed(name: string, from: string, to: string): string | undefined {
  if (name === from) return to
  return name.startsWith(`${from}/`) ? to + name.slice(from.length) : undefined
}

export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0
