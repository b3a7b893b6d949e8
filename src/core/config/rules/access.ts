import type { Path } from '../mistakes.ts'
import { accountAddresses } from '../resolve.ts'
import { likeOf } from '../schema/like.ts'
import { personalityProtocols } from '../schema/personality.ts'
import { hasTransactions } from '../schema/protocol.ts'
import { accountCheck, eachServer, findRepeated, type Rule } from './rule.ts'

/** Rules about accounts, and who may use what. */
export const accessRules: readonly Rule[] = [
  eachServer(function* secureChannelOnNntp(server, at) {
    if (server.protocol !== 'nntp' || !server.requireSecureChannel) return
    yield {
      path: [...at, 'requireSecureChannel'],
      message: 'NNTP virtual servers do not have this setting; close the clear-text port instead: port: off',
    }
  }),

  eachServer(function* saslAnonymous({ protocol, authentication }, at) {
    const index = authentication.indexOf('sasl-anonymous')
    if (index === -1) return
    const path = [...at, 'authentication', index]
    if (!hasTransactions(protocol) && protocol !== 'nntp') {
      yield { path, message: `sasl-anonymous works only on smtp, lmtp and nntp, not on ${protocol}; remove it` }
    } else if (!authentication.includes('anonymous')) {
      yield { path, message: 'sasl-anonymous needs anonymous; add anonymous, or remove sasl-anonymous' }
    }
  }),

  eachServer(function* messageRate({ protocol, limits: { rate }, providers, jmap }, at) {
    const hasApi = protocol === 'http' && (providers.length > 0 || jmap !== 'off')
    if (rate?.messages === undefined || hasTransactions(protocol) || hasApi) return
    yield {
      path: [...at, 'limits', 'rate', 'messages'],
      message: `only smtp, lmtp, JMAP and the APIs of providers count messages; on ${protocol}, limit connections`,
    }
  }),

  eachServer(function* forwardedOutsideHttp({ protocol, forwarded }, at) {
    if (protocol === 'http' || !forwarded?.from.length) return
    const message = `only http requests say who the client is; on ${protocol}, let the proxy use the PROXY protocol, and write proxyProtocol: { from: [${forwarded.from.join(', ')}] }`
    yield { path: [...at, 'forwarded', 'from'], message }
  }),

  eachServer(function* xclientOutsideSmtp({ protocol, xclient }, at) {
    if (hasTransactions(protocol) || xclient === undefined) return
    const message = `XCLIENT and XFORWARD are commands of smtp and lmtp; on ${protocol}, let the proxy use the PROXY protocol, and write proxyProtocol: { from: [${xclient.from.join(', ')}] }`
    yield {
      path: [...at, 'xclient'],
      message: protocol === 'http' ? 'XCLIENT and XFORWARD are commands of smtp and lmtp; remove it' : message,
    }
  }),

  // The personality of the whole lab may have no words for some of its protocols.
  eachServer(function* unusedPersonality({ protocol, personality }, at, lab) {
    if (personality === lab.personality || personalityProtocols[personality].includes(protocol)) return
    const works = personalityProtocols[personality].join(', ')
    const message = `${personality} has no words for ${protocol}, only for ${works}; remove personality`
    yield { path: [...at, 'personality'], message }
  }),

  eachServer(function* likeOutsideHttp({ protocol, like }, at) {
    if (protocol === 'http' || like === undefined) return
    yield { path: [...at, 'like'], message: 'like works only with protocol: http; remove it' }
  }),

  eachServer(function* jmapOutsideHttp({ protocol, jmap }, at) {
    if (protocol === 'http' || jmap === undefined) return
    yield { path: [...at, 'jmap'], message: 'jmap works only with protocol: http; remove it' }
  }),

  eachServer(function* providersOnce({ protocol, providers }, at) {
    if (protocol !== 'http' && providers.length > 0)
      yield { path: [...at, 'providers'], message: 'providers works only with protocol: http; remove it' }
    const names = providers.map(({ provider }) => provider)
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) === index) continue
      yield { path: [...at, 'providers', index], message: `${name} is listed twice; write one entry with all settings` }
    }
  }),

  function* unknownUsersOfTools({ virtualServers, directory }) {
    const check = accountCheck(directory)
    for (const [index, { like }] of virtualServers.entries()) {
      for (const [at, user] of (likeOf(like)?.users ?? []).entries())
        yield* check(user, ['virtualServers', index, 'like', 'users', at])
    }
  },

  function* maildropWithoutFolder({ virtualServers, mail: { captured } }) {
    for (const [index, { protocol, maildrop }] of virtualServers.entries()) {
      if (maildrop === 'inbox') continue
      const path = ['virtualServers', index, 'maildrop']
      if (protocol !== 'pop3' && protocol !== 'imap4')
        yield { path, message: 'maildrop works only with protocol: pop3 or imap4; remove it' }
      else if (captured.folder === undefined)
        yield { path, message: 'captured mail has a folder for each domain; set mail.captured: { folder: all }' }
    }
  },

  function* capturedMailboxes({ mail: { captured }, directory }) {
    const path = ['mail', 'captured']
    const { folder, mailboxes, inboxes = {} } = captured
    const isDivided = mailboxes.length > 0 || Object.keys(inboxes).length > 0
    if (isDivided && folder === undefined)
      yield { path, message: 'mail that no rule matches needs a folder; set folder: all' }
    const check = accountCheck(directory)
    for (const [index, { filters }] of mailboxes.entries()) {
      for (const [at, name] of filters.account?.entries() ?? [])
        if (!name.includes('*')) yield* check(name, [...path, 'mailboxes', index, 'filters', 'account', at])
    }
    for (const [user, name] of Object.entries(inboxes)) {
      yield* check(user, [...path, 'inboxes', user])
      if (name !== folder && !mailboxes.some((mailbox) => mailbox.name === name))
        yield {
          path: [...path, 'inboxes', user],
          message: `${name} is no folder of captured mail; add it to mailboxes`,
        }
    }
  },

  function* unknownAdministrators({ access: { administrators }, directory }) {
    const check = accountCheck(directory)
    for (const [index, name] of administrators.entries()) yield* check(name, ['access', 'administrators', index])
  },

  function* tokenValues({ access: { tokens } }) {
    for (const [index, { token }] of tokens.entries()) {
      if (token !== undefined) continue
      yield { path: ['access', 'tokens', index], message: 'has no value; add token: TEXT or tokenFile: FILE' }
    }
    yield* findRepeated(tokens.map(({ name }, index) => ({ text: name, path: ['access', 'tokens', index, 'name'] })))
  },

  function* webhookSecrets({ webhooks }) {
    for (const [index, { url, secret, authority, format }] of webhooks.entries()) {
      if (authority !== undefined && new URL(url).protocol !== 'https:') {
        const message =
          'has no effect, because only https receivers have certificates; write an https URL, or remove it'
        yield { path: ['webhooks', index, 'authority'], message }
      }
      if (new URL(url).username !== '') {
        yield {
          path: ['webhooks', index, 'url'],
          message: 'has a user name; remove it: requests are authenticated by their signature',
        }
      }
      // Receivers of other formats know no signatures.
      if (secret !== undefined || format !== 'standard') continue
      const message =
        'has no key for signatures; create one with openssl rand -base64 32, and add secret: TEXT or secretFile: FILE'
      yield { path: ['webhooks', index], message }
    }
    yield* findRepeated(webhooks.map(({ url }, index) => ({ text: url, path: ['webhooks', index, 'url'] })))
  },

  function* oauth2Clients({ oauth2: { clients }, directory }) {
    const check = accountCheck(directory)
    for (const [index, { user, clientSecret }] of clients.entries()) {
      if (user === undefined) continue
      const at = ['oauth2', 'clients', index]
      if (clientSecret === undefined) {
        // RFC 6749 section 4.4
        yield { path: [...at, 'user'], message: 'has no effect without clientSecret; add one, or remove it' }
      }
      yield* check(user, [...at, 'user'])
    }
    yield* findRepeated(clients.map(({ clientId }, index) => ({ text: clientId, path: ['oauth2', 'clients', index] })))
  },

  eachServer(function* basicTwice(server, at) {
    if (!server.authentication.includes('basic') || !server.authentication.includes('basic-over-tls')) return
    yield {
      path: [...at, 'authentication'],
      message: 'has both basic and basic-over-tls; keep basic (clear text too) or basic-over-tls (only under TLS)',
    }
  }),

  function* sameAccounts({ directory, domain }) {
    const at = (index: number, ...more: (string | number)[]): Path => ['directory', 'accounts', index, ...more]
    yield* findRepeated(directory.accounts.map(({ user }, index) => ({ text: user, path: at(index, 'user') })))
    yield* findRepeated(
      directory.accounts.flatMap((account, index) =>
        accountAddresses(account, domain).map((text, n) => ({
          text,
          path: account.addresses ? at(index, 'addresses', n) : at(index, 'user'),
          owner: account.user.toLowerCase(),
        })),
      ),
    )
  },
]
