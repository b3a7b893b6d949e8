import { isLoopbackHost } from './ip-address.ts'

/** The parts of a configuration that name hosts which the lab may ask over HTTP. */
export interface NamedHosts {
  readonly webhooks: readonly { readonly url: string }[]
  readonly testing: { readonly verify: { readonly targets: readonly string[] } }
}

/** Returns whether the lab may connect to a host that a message names: a loopback address, or one that the configuration names. */
export const mayRequest = (hostname: string, { webhooks, testing }: NamedHosts): boolean =>
  isLoopbackHost(hostname) ||
  webhooks.some(({ url }) => new URL(url).hostname === hostname) ||
  testing.verify.targets.some((target) => target.toLowerCase() === hostname)
