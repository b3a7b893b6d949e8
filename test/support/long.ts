/** Whether to run the long forms of tests. `npm run test:all` sets the variable. */
export const isLong = process.env.SEALPOST_LONG === '1'

/** Whether to run more than `npm test` does: the long forms, or `npm run test:slow`, which CI runs. */
export const isThorough = isLong || process.env.SEALPOST_SLOW === '1'
