import type { X509Certificate } from 'node:crypto'
import { certificatePem, thumbprintOf } from '../certificate/certificate.ts'
import { isRoot } from '../certificate/chain.ts'
import { allChains } from './authority-keys.ts'
import type { StoreIndex } from './index-file.ts'
import type { Materials } from './materials.ts'

/** A root that clients need. */
export interface NeededRoot {
  readonly certificate: X509Certificate
  /** `current`, `earlier`: the key of an authority. `outside`: the root was added with `ca add-trusted`. */
  readonly key: 'current' | 'earlier' | 'outside'
}

/**
 * Returns every root that clients need, each once: those above the authorities of the store, the one above the authority
 * that issues for `auto` first, then those of earlier keys and the outside ones that were added.
 */
export async function neededRoots(index: StoreIndex, materials: Materials): Promise<NeededRoot[]> {
  const ready = index.authorities.filter(({ certificate }) => certificate !== undefined)
  const isDefault = ({ name }: { readonly name: string }): boolean => name === index.defaultAuthority
  const sorted = [...ready.filter(isDefault), ...ready.filter((one) => !isDefault(one))]
  const chains = await Promise.all(sorted.map((record) => allChains(materials, record)))
  // A subordinate authority may still be below an earlier key of its root: the root of the present key comes first, too.
  const present = new Map<string | undefined, X509Certificate>()
  for (const [[root] = [], ...others] of chains) {
    for (const [own] of others) if (root && own && isRoot(own)) present.set(thumbprintOf(own), root)
  }
  const current = chains.flatMap(([chain]) => {
    const top = chain?.at(-1)
    return top ? (present.get(thumbprintOf(top)) ?? top) : []
  })
  const earlier = chains.flat().map((chain) => chain.at(-1) as X509Certificate)
  const roots: NeededRoot[] = [
    ...current.filter(isRoot).map((certificate) => ({ certificate, key: 'current' as const })),
    ...earlier.filter(isRoot).map((certificate) => ({ certificate, key: 'earlier' as const })),
    ...(await materials.trustedRoots(index)).map((certificate) => ({ certificate, key: 'outside' as const })),
  ]
  const first = new Map<string, NeededRoot>()
  for (const root of roots) {
    const thumbprint = thumbprintOf(root.certificate)
    if (!first.has(thumbprint)) first.set(thumbprint, root)
  }
  return [...first.values()]
}

/** Returns the certificates of `neededRoots`. */
export const rootsOf = async (index: StoreIndex, materials: Materials): Promise<X509Certificate[]> =>
  (await neededRoots(index, materials)).map(({ certificate }) => certificate)

/** Returns the topmost certificate above an authority; undefined if there is no such authority or it has no certificate. */
async function topOf(
  name: string | undefined,
  index: StoreIndex,
  materials: Materials,
): Promise<X509Certificate | undefined> {
  const record = index.authorities.find((one) => one.name === name)
  return record?.certificate === undefined ? undefined : (await materials.authorityChain(record)).at(-1)
}

/** Returns the PEM of every root above an authority of the store; empty without an authority. */
export const rootBundle = async (index: StoreIndex, materials: Materials): Promise<string> =>
  (await rootsOf(index, materials)).map(certificatePem).join('')

/** Returns the PEM of the root above the authority that issues for `auto` to old clients; empty without such an authority. */
export async function oldClientRoot(index: StoreIndex, materials: Materials): Promise<string> {
  const top = await topOf(index.oldClientAuthority, index, materials)
  return top === undefined ? '' : certificatePem(top)
}
