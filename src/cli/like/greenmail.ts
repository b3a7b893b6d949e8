import { draftConfiguration } from './draft.ts'
import { greenmailSettings } from './greenmail/settings.ts'
import { setupAll } from './greenmail/setups.ts'
import type { Tool } from './tool.ts'

/** https://greenmail-mail-test.github.io/greenmail/#deploy_docker_standalone */
export const greenmail: Tool = {
  name: 'greenmail',
  prefixes: ['GREENMAIL_'],
  flagVariables: ['GREENMAIL_OPTS', 'GREENMAIL_ADDITIONAL_OPTS', 'JAVA_OPTS'],
  foreignFlags: { pattern: /^-(?!Dgreenmail\.)/, why: 'it is an option of Java' },
  settings: greenmailSettings,
  draft() {
    const draft = draftConfiguration('greenmail', {
      http: { name: 'GreenMail API', protocol: 'http', port: 8080, like: { tool: 'greenmail' } },
    })
    // Each address has a mailbox of its own.
    draft.lab.directory = { unknown: 'create', accounts: [] }
    return draft
  },
  finish(draft, other) {
    if (draft.servers.size > 1) return
    // The image of GreenMail sets this in GREENMAIL_OPTS.
    setupAll(draft, 'test')
    if (other('-Dgreenmail.users') === undefined) draft.lab.directory = { ...draft.lab.directory, mode: 'open' }
  },
}
