import { createRequire } from 'node:module'
import type * as Testcontainers from 'testcontainers'

/** Lowest major version of Node.js that testcontainers 12 supports. */
const MIN_NODE = 22

/**
 * Loads the optional package. `require` works in ES modules, in CommonJS and in Jest.
 * @throws Error that says what to install
 */
export function loadTestcontainers(): typeof Testcontainers {
  const { node } = process.versions
  if (Number.parseInt(node, 10) < MIN_NODE)
    throw new Error(
      `sealpost/testcontainers needs Node.js ${MIN_NODE} or later, as the package testcontainers does; this is Node.js ${node}`,
    )
  try {
    return createRequire(import.meta.url)('testcontainers') as typeof Testcontainers
  } catch (error) {
    if (!isMissing(error)) throw error
    throw new Error(
      'sealpost/testcontainers needs the package testcontainers, which is not installed; run: npm install --save-dev testcontainers',
      { cause: error },
    )
  }
}

/** Returns whether the package itself is missing, and not one that it needs. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND' &&
  /module '?testcontainers'?/i.test(error.message)
