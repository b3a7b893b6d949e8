import type { Summary } from './filter.ts'

/** Names that a row has room for. */
const SHOWN = 2

/** Returns those who have received a message, or are named in its header: accounts by their names, others by their addresses. */
export function recipientsOf({ envelope, to, cc, copies, account }: Summary): readonly string[] {
  const accounts = copies ? copies.map((copy) => copy.account) : [account]
  const addresses = envelope && envelope.to.length > 0 ? envelope.to : [...to, ...cc].map(({ address }) => address)
  const named = addresses.map((address) => {
    const [local = ''] = address.split('@')
    return accounts.find((one) => one === local || one === address) ?? address
  })
  const others = accounts.filter((one) => one !== null && !named.includes(one)) as string[]
  return [...new Set(envelope && envelope.to.length > 0 ? named : [...others, ...named])]
}

/** Returns some names in short: `alice, bob +1`. */
export const inShort = (names: readonly string[]): string =>
  [names.slice(0, SHOWN).join(', '), names.length > SHOWN ? `+${names.length - SHOWN}` : ''].filter(Boolean).join(' ')
