/** Returns a time for JSON: RFC 3339, in UTC, with milliseconds. @param ms milliseconds since the epoch */
export const timeText = (ms: number): string => new Date(ms).toISOString()
