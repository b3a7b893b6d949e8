import type { ServiceResponse } from '../service/routes.ts'

/** A resource as JSON. */
export const json = (
  body: object,
  options: { status?: number; headers?: Record<string, string> } = {},
): ServiceResponse => ({ type: 'application/json', body: JSON.stringify(body), ...options })
