import { type Owner, PUBLIC_OWNER } from './types.ts'

/** Writes `INBOX`, alone or as the first level, in capitals: it is case-insensitive. RFC 9051 section 5.1. */
export function withInboxInCapitals(name: string): string {
  return /^inbox(?=\/|$)/i.test(name) ? `INBOX${name.slice(5)}` : name
}

/** Returns the name under which the store keeps an owner's folder. Newsgroups have no INBOX. */
export function folderName(owner: Owner, name: string): string {
  return owner === PUBLIC_OWNER ? name : withInboxInCapitals(name)
}

/** The name after `from` was renamed to `to`, or undefined where `name` is neither that folder nor below it. */
export function renamed(name: string, from: string, to: string): string | undefined {
  if (name === from) return to
  return name.startsWith(`${from}/`) ? to + name.slice(from.length) : undefined
}

export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0
