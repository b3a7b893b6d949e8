import { passwordOfPrograms } from '../../accounts/directory/logon-refusal.ts'
import type { Account, AccountChanges } from '../../accounts/directory/types.ts'
import type { TokenDefect } from '../../accounts/oauth2/defects.ts'
import { tokenRequest } from '../../accounts/oauth2/request.ts'
import type { SigningAlgorithm } from '../../accounts/oauth2/types.ts'
import { parsePart } from '../../core/config/issues.ts'
import { nearestWord } from '../../core/config/nearest.ts'
import { type QuotaInput, quota as quotaSchema } from '../../core/config/schema/directory.ts'
import { type OutOfOfficeInput, outOfOffice } from '../../core/config/schema/reports.ts'
import type { Lab } from '../../lab/lab.ts'
import { accountOwner } from '../../storage/store/folder.ts'
import { type QuotaUsage, quotaOf, setQuota, usageOf } from '../../storage/store/quota.ts'
import type { Call } from '../calls/call.ts'

export type { SigningAlgorithm, TokenDefect }

/** A user name and password in the form that client libraries take. */
export interface Credentials {
  readonly user: string
  readonly pass: string
}

/** How much an account may store (undefined: no limit), and how much it has stored. */
export interface AccountQuota {
  /** Octets of all its messages. */
  readonly size: number | undefined
  readonly messages: number | undefined
  readonly used: QuotaUsage
}

/** Changes that tests can make to an account. */
export interface AccountChangesInput extends Omit<AccountChanges, 'outOfOffice'> {
  /** Its automatic reply, as in the YAML. */
  readonly outOfOffice?: OutOfOfficeInput | undefined
}

/** An access token that a test wants. */
export interface AccessTokenOptions {
  /** The account, by any form of its log-on name. It need not exist. */
  readonly user: string
  /** One or several scopes; a text can have several, separated by spaces. Default: the scopes of all protocols. */
  readonly scope?: string | readonly string[]
  /** Seconds, or a time such as `5m`. Default: `oauth2.accessTokenLifetime` (1 hour). */
  readonly expiresIn?: number | string
  /** Default: the audience of the lab. */
  readonly audience?: string
  /** Default: `sealpost`. */
  readonly clientId?: string
  /** Default: RS256. */
  readonly algorithm?: SigningAlgorithm
  /** Deliberate defect of the token. */
  readonly defect?: TokenDefect
}

/** Any password is right in an open directory. */
const OPEN_PASSWORD = 'secret'

/** The accounts of a lab, as tests use them. */
export class TestAccounts {
  readonly #lab: Lab

  constructor(lab: Lab) {
    this.#lab = lab
  }

  /** @throws TypeError if the account is unknown, or only a hash of its password is known */
  credentials(name: string): Credentials {
    const account = this.#find(name)
    const pass = passwordOfPrograms(account)
    if (account.passwordHash !== undefined && pass === undefined)
      throw new TypeError(`only a hash of the password of ${account.user} is known; give the password: { user, pass }`)
    return { user: account.user, pass: pass ?? OPEN_PASSWORD }
  }

  /** Returns the credentials for a client. @param auth the name of an account, or its credentials */
  logon(call: Call, auth: string | Credentials): Credentials {
    if (typeof auth === 'string') return mistaken(call, () => this.credentials(auth))
    call.check('credentials', auth, 'auth')
    return auth
  }

  async issueToken(call: Call, options: AccessTokenOptions): Promise<string> {
    call.check('accessToken', options, 'options')
    const { expiresIn, ...request } = tokenRequest.parse(options)
    const { accessToken } = await this.#lab.oauth2.tokens.issue({ ...request, expiresInMs: expiresIn })
    return accessToken
  }

  async revokeToken(call: Call, token: string): Promise<void> {
    if (!(await this.#lab.oauth2.tokens.revoke(token))) throw call.mistake('token: is not an access token with a jti')
  }

  async setQuota(call: Call, user: string, quota: QuotaInput | 'off' | undefined): Promise<void> {
    if (quota !== undefined) call.check('quota', quota, 'quota')
    const owner = accountOwner(this.#account(call, user).user)
    const wanted = quota === undefined || quota === 'off' ? quota : parsePart(quotaSchema, quota)
    await setQuota(this.#lab.store, owner, wanted === 'off' ? {} : wanted)
  }

  async quota(call: Call, name: string): Promise<AccountQuota> {
    const { user, quota } = this.#account(call, name)
    const { size, messages } = await quotaOf(this.#lab.store, accountOwner(user), quota)
    return { size, messages, used: await usageOf(this.#lab.store, accountOwner(user)) }
  }

  change(call: Call, user: string, changes: AccountChangesInput | undefined): Promise<void> {
    if (changes !== undefined) call.check('accountChanges', changes, 'changes')
    return this.#lab.directory.change(this.#account(call, user), changes && withDefaults(changes))
  }

  #account(call: Call, name: string): Account {
    return mistaken(call, () => this.#find(name))
  }

  /** @throws TypeError if it is unknown */
  #find(name: string): Account {
    const { directory } = this.#lab
    const account = directory.find(name) ?? directory.findByAddress(name)
    if (account) return account
    const known = directory.accounts().map(({ user }) => user)
    const near = nearestWord(name, known)
    const hint = near === undefined ? `there are: ${known.join(', ') || 'none'}` : `did you mean ${near}?`
    throw new TypeError(`no account "${name}"; ${hint}`)
  }
}

/** Fills in the defaults of an automatic reply. @throws ConfigError */
const withDefaults = ({ outOfOffice: reply, ...changes }: AccountChangesInput): AccountChanges =>
  reply === undefined ? changes : { ...changes, outOfOffice: parsePart(outOfOffice, reply) }

/** Runs a part of a call. @throws the mistake of the call, if the part throws */
function mistaken<T>(call: Call, part: () => T): T {
  try {
    return part()
  } catch (error) {
    throw call.mistake((error as Error).message)
  }
}
