/** Shown in place of a secret. */
export const MASK = '***'

/**
 * The user name and password before a host. RFC 3986 section 3.2.1. Only the end of the scheme is looked at: clients send
 * long texts that could be a scheme from each of their characters.
 */
const USER_INFO = /([a-z0-9+.-]:\/\/)[^\s/?#"'<>]*@/gi

/** A parameter of a query, or of a fragment: pages take tokens from there. */
const PARAMETER = /([?&;#])([^=&;?\s#"'<>()]+)=([^&;\s#"'<>()]+)/g

/** Names of parameters whose values are secrets. */
const SECRET_NAME =
  /^(?:[\w.-]*[_.-])?(?:token|secret|password|passwd|passphrase|pwd|pass|api[_-]?key|key|auth|authorization|credentials?|signature|sig|jwt)$/i

/** Returns whether a value with this name is a secret, such as `access_token` or `accessToken`. */
export const isSecretName = (name: string): boolean => SECRET_NAME.test(name.replaceAll(/([a-z\d])([A-Z])/g, '$1_$2'))

/** Returns whether a text may have a URL or parameters in it. Most have not. */
export const mayHaveUrl = (text: string): boolean => text.includes('://') || text.includes('?')

/** Returns a text in which no URL shows a user name, a password or a token. */
export function maskUrls(text: string): string {
  if (!mayHaveUrl(text)) return text
  return text
    .replaceAll(USER_INFO, `$1${MASK}@`)
    .replaceAll(PARAMETER, (whole, before: string, name: string) =>
      isSecretName(decodeName(name)) ? `${before}${name}=${MASK}` : whole,
    )
}

function decodeName(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    // It is not percent-encoded.
    return name
  }
}
