/**
 * Returns the known word that is most similar to a word: at most a third of the letters differ, without a beginning that
 * all words have, such as `MP_`. Returns undefined if no known word is similar. Case, `-` and `_` are ignored.
 */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  const wanted = plainWord(word)
  const candidates = [...known]
  const letters = wanted.length - commonStart([wanted, ...candidates.map(plainWord)])
  let best: string[] = []
  let bestDistance = Math.max(1, Math.floor(letters / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(wanted, plainWord(candidate))
    if (distance === bestDistance && best.length > 0) best.push(candidate)
    if (distance < bestDistance) {
      best = [candidate]
      bestDistance = distance
    }
  }
  return best.length > MAX_EQUAL ? undefined : best[0]
}

/** If more words than this are equally similar, such as the versions of TLS to TLSv1.4, none is suggested. */
const MAX_EQUAL = 2

const plainWord = (word: string): string => word.toLowerCase().replaceAll(/[-_]/g, '')

/** Returns how many letters are the same at the beginning of all words. */
function commonStart([first = '', ...others]: readonly string[]): number {
  let length = 0
  while (length < first.length && others.every((one) => one[length] === first[length])) length++
  return length
}

/** Returns the Levenshtein distance; a swap of two neighbours counts as one change. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      let best = Math.min(change, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1)
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (swapped) best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1)
      row.push(best)
    }
    beforeLast = last
    last = row
  }
  return last[b.length] ?? 0
}
