import { pino } from 'pino'

/** A log that nobody reads. */
export const log = pino({ level: 'silent' })
