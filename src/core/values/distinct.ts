/** Lists up to this length are compared item by item, which is faster than a set of them. */
const SHORT = 64

/** Returns the first distinct items that are wanted, at most `max`; the list itself if these are all of its items. */
export function distinct<T>(
  items: readonly T[],
  max = Number.POSITIVE_INFINITY,
  isWanted: (item: T) => boolean = () => true,
): readonly T[] {
  if (items.length > Math.min(SHORT, max)) return [...new Set(items.filter(isWanted))].slice(0, max)
  for (let at = 0; at < items.length; at++) {
    const item = items[at] as T
    if (!isWanted(item) || items.indexOf(item) !== at)
      return items.filter((each, index) => isWanted(each) && items.indexOf(each) === index)
  }
  return items
}
