import type { ResolvedLab } from './resolve.ts'

/** Returns the values that only a start applies. */
export const valuesOfStart = ({ store, cluster, certificates: { store: folder, key, renew } }: ResolvedLab) => ({
  store,
  cluster,
  certificates: { store: folder, key, renew },
})

/** Returns the keys whose values only the next start of the lab applies. */
export function keysForNextStart(used: ResolvedLab, wanted: ResolvedLab): string[] {
  const [now, next] = [valuesOfStart(used), valuesOfStart(wanted)]
  return (['store', 'cluster', 'certificates'] as const).filter(
    (key) => JSON.stringify(now[key]) !== JSON.stringify(next[key]),
  )
}
