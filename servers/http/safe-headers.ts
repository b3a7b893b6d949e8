/** Header fields of every answer. */
export const SAFE_HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
  'Referrer-Policy': 'no-referrer',
  'X-Frame-Options': 'SAMEORIGIN',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** Header fields of a stream of events. nginx would hold the events back. */
export const STREAM_HEADERS = { 'X-Accel-Buffering': 'no' }
