import { Server } from 'node:net'
import { clearImmediate, setImmediate } from '../time/real-timers.ts'

/**
 * Adds `Symbol.dispose` and `Symbol.asyncDispose`, which Jest 29 leaves out of the global scope of a test. The entry points
 * import this module first: classes that are defined before would have no such methods.
 */
function addSymbols(): void {
  const timer = setImmediate(() => {})
  clearImmediate(timer)
  const owners = { dispose: Object.getPrototypeOf(timer), asyncDispose: Server.prototype }
  for (const [name, owner] of Object.entries(owners)) {
    if (name in Symbol) continue
    const description = `Symbol.${name}`
    // Node.js's own, so that its objects and ours have the same.
    const known = Object.getOwnPropertySymbols(owner).find((symbol) => symbol.description === description)
    Object.defineProperty(Symbol, name, { value: known ?? Symbol(description) })
  }
}

addSymbols()
