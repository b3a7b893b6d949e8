/**
 * `setImmediate` as it was when the library was imported. Fake timers of a test replace the global one, and would stop the
 * replies of every lab of its process.
 */
export const realImmediate = setImmediate
/** `setTimeout` and `clearTimeout` as they were. */
export const realTimeout = { set: setTimeout, clear: clearTimeout }
