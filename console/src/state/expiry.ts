/** Days before its end from which a certificate that is served needs attention, as in `health.get`. */
export const EXPIRES_SOON_DAYS = 14
