import { type Html, html, page } from './page.ts'

const alert = (text: string | undefined): Html =>
  text === undefined ? html`` : html`<p class="error" role="alert">${text}</p>`

/** The texts of the page for a log-on. */
interface LogOnPage {
  readonly client: string
  readonly scopes: readonly string[]
  readonly user: string
  /** Why the last attempt failed. */
  readonly failure: string | undefined
  /** Whether the lab takes passwords on this connection. */
  readonly takesPasswords: boolean
}

/** Returns the page on which a person logs on, and so agrees. Without scripts, the form leads to the URL of the page itself. */
export const logOnPage = ({ client, scopes, user, failure, takesPasswords }: LogOnPage): string =>
  page(
    'Log on',
    html`<p>${client} asks for access to your account in this lab.</p>${scopeList(scopes)}${alert(failure)}
<form method="post">${takesPasswords ? credentials(user) : undefined}
<div class="buttons">${takesPasswords ? html`<button class="primary" name="action" value="log-on">Log on and allow</button>` : undefined}
<button name="action" value="deny" formnovalidate>Deny</button></div></form>`,
  )

const credentials = (user: string): Html => {
  const focus = html` autofocus`
  return html`<label>User name<input name="user" value="${user}" autocomplete="username" autocapitalize="none" spellcheck="false" required${user === '' ? focus : undefined}></label>
<label>Password<input name="password" type="password" autocomplete="current-password" required${user === '' ? undefined : focus}></label>`
}

const scopeList = (scopes: readonly string[]): Html =>
  scopes.length === 0
    ? html``
    : html`<p class="note">Access to: ${scopes.map((scope, at) => html`${at === 0 ? '' : ', '}<code>${scope}</code>`)}</p>`

/** A form of a device log-on: the code of the session against forms of other sites, and what the person has entered. */
interface DeviceForm {
  readonly action: string
  readonly secret: string
  readonly userCode: string
}

/** Returns the page on which a person enters the code that a device shows. RFC 8628 section 3.3. */
export const deviceCodePage = ({ action, secret, userCode }: DeviceForm, failure: string | undefined): string =>
  page(
    'Connect a device',
    html`<p>Enter the code that the device or program shows.</p>${alert(failure)}
<form method="post" action="${action}"><input type="hidden" name="xsrf" value="${secret}">
<label>Code<input class="code" name="user_code" value="${userCode}" autocomplete="off" spellcheck="false" required autofocus></label>
<div class="buttons"><button class="primary">Continue</button></div></form>`,
  )

/** Returns the page on which a person confirms that the device is theirs. RFC 8628 section 5.4. */
export const deviceConfirmPage = ({ action, secret, userCode }: DeviceForm, client: string): string =>
  page(
    'Connect a device',
    html`<p>${client} shows this code. Continue only if you see the same code there.</p><p class="code">${userCode}</p>
<form method="post" action="${action}"><input type="hidden" name="xsrf" value="${secret}">
<input type="hidden" name="user_code" value="${userCode}">
<div class="buttons"><button class="primary" name="confirm" value="yes">Continue</button>
<button name="abort" value="yes">Deny</button></div></form>`,
  )

/** Returns the page after a device has got access. */
export const deviceDonePage = (client: string): string =>
  page('The device is connected', html`<p>${client} has access now. You can close this page.</p>`)

/** Returns the page of a request that leads nowhere else. */
export const errorPage = (text: string, code: string | undefined): string =>
  page(
    'The request was refused',
    html`<p class="error" role="alert">${text}</p>${code === undefined ? undefined : html`<p class="note">Error <code>${code}</code>. The log of the lab has the details.</p>`}`,
  )
