/** Whether to run the long forms of tests. `npm run test:all` sets the variable. */
export const isLong = process.env.SEALPOST_LONG === '1'
