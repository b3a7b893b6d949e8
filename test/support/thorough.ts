/** Whether to run more than `npm test` does: `npm run test:slow`, which CI runs, or a longer form. vitest.config.ts sets the variable for those. */
export const isThorough = process.env.SEALPOST_SLOW === '1'

/** Returns the rows of a table of cases. In `npm test`, about `count` of them, from all parts of the table. */
export function some<T>(rows: readonly T[], count: number): readonly T[] {
  if (isThorough || rows.length <= count) return rows
  return Array.from({ length: count }, (_, i) => rows[Math.floor((i * rows.length) / count)] as T)
}
