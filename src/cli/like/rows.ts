import type { VirtualServerInput } from '../../core/config/schema.ts'
import { likeIn, serverOf } from './draft.ts'
import type { Draft, Setting, SettingCall } from './tool.ts'
import { isOn, listenAt, listenOn, portOf } from './values.ts'

/**
 * Reads the names of a setting: its variable, earlier names of the variable, and its flags, as in
 * `MP_DATABASE MP_DATA_FILE --database -d`. With `!` at the end, the flags take no value.
 */
function parseNames(text: string): Pick<Setting, 'variable' | 'aliases' | 'flags' | 'isSwitch'> {
  const words = text.replace(/!$/, '').split(' ')
  const flags = words.filter((word) => word.startsWith('-'))
  const [variable, ...aliases] = words.filter((word) => !word.startsWith('-'))
  return {
    ...(variable === undefined ? {} : { variable }),
    ...(aliases.length > 0 ? { aliases } : {}),
    ...(flags.length > 0 ? { flags } : {}),
    ...(text.endsWith('!') ? { isSwitch: true } : {}),
  }
}

/** Returns a setting that changes the configuration. @param becomes the keys that it sets, for the documentation */
export const setting = (names: string, becomes: string, apply: (call: SettingCall) => void): Setting => ({
  ...parseNames(names),
  becomes,
  apply,
})

/** Returns a setting that changes the configuration if it is on. */
export const switchSetting = (names: string, becomes: string, apply: (draft: Draft) => void): Setting =>
  setting(names, becomes, ({ draft, value }) => {
    if (isOn(value)) apply(draft)
  })

/** Returns settings that the lab does not have, all for the same reason. */
export const missingSettings = (why: string, ...names: readonly string[]): Setting[] =>
  names.map((one) => ({ ...parseNames(one), missing: why }))

/** Returns settings that ask for what the lab always does. */
export const redundantSettings = (why: string, ...names: readonly string[]): Setting[] =>
  names.map((one) => ({ ...parseNames(one), always: why }))

/** Returns settings that another one applies: the first of `by` that is given. */
export const appliedBy = (by: readonly string[], ...names: readonly string[]): Setting[] =>
  names.map((one) => ({ ...parseNames(one), with: by }))

const titles: Readonly<Record<string, string>> = { smtp: 'SMTP', http: 'HTTP' }

/** Returns the setting of a virtual server's address and port, as HOST:PORT. */
export const listenSetting = (names: string, key: 'smtp' | 'http'): Setting =>
  setting(names, `\`address\` and \`port\` of the ${titles[key]} virtual server`, ({ draft, value }) =>
    listenAt(serverOf(draft, key), value),
  )

/** Returns the setting of a virtual server's port. */
export const port = (names: string, key: 'smtp' | 'http'): Setting =>
  setting(names, `\`port\` of the ${titles[key]} virtual server`, ({ draft, value }) => {
    serverOf(draft, key).port = portOf(value)
  })

/** Returns the setting of the HTTP virtual server's address. */
export const webAddress = (names: string, becomes = '`address` of the HTTP virtual server'): Setting =>
  setting(names, becomes, ({ draft, value }) => listenOn(serverOf(draft, 'http'), value))

/** Returns the setting of the path below which the API of the tool is. */
export const webPath = (names: string): Setting =>
  setting(names, '`like.path` of the HTTP virtual server', ({ draft, value }) => {
    const path = `/${value.replaceAll(/^\/+|\/+$/g, '')}`
    if (path !== '/') likeIn(draft).path = path
  })

/** Returns the setting of the other sites whose pages may use the API, with commas or spaces between them. */
export const corsOrigins = (names: string): Setting =>
  setting(names, '`like.cors` of the HTTP virtual server', ({ draft, value }) => {
    const origins = value.split(/[\s,]+/).filter((one) => one !== '')
    const hosts = origins.map((one) =>
      one
        .replace(/^https?:\/\//, '')
        .replace(/\/+$/, '')
        .toLowerCase(),
    )
    if (hosts.length > 0) likeIn(draft).cors = hosts.includes('*') ? ['*'] : hosts
  })

/** Returns the setting of the lab's host name. */
export const hostname = (names: string): Setting =>
  setting(names, '`hostname`', ({ draft, value }) => {
    draft.lab.hostname = value
  })

/** Returns a switch that sets the lowest level of the log. */
export const logLevel = (names: string, level: 'debug' | 'error'): Setting =>
  switchSetting(names, `\`logLevel: ${level}\``, (draft) => {
    draft.lab.logLevel = level
  })

/** Returns a switch that makes a virtual server refuse clients without TLS. */
export const requireTls = (names: string, key: string): Setting =>
  switchSetting(names, `\`requireSecureChannel\` of the ${key.toUpperCase()} virtual server`, (draft) => {
    serverOf(draft, key).requireSecureChannel = true
  })

/** Changes limits of a virtual server, and keeps the others. */
export function limit(server: VirtualServerInput, limits: NonNullable<VirtualServerInput['limits']>): void {
  server.limits = { ...server.limits, ...limits }
}
