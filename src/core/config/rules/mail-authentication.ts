import { type Rule, repeated } from './rule.ts'

/** Rules about SPF, DKIM, DMARC and ARC. */
export const mailAuthenticationRules: readonly Rule[] = [
  function* notOnArrival({ mailAuthentication: { check, addResults, onFailure } }) {
    if (check === 'on-arrival') return
    const message = `needs check: on-arrival, but mail is checked ${check === 'off' ? 'never' : 'on-demand'}`
    if (addResults) yield { path: ['mailAuthentication', 'addResults'], message }
    if (onFailure === 'refuse') yield { path: ['mailAuthentication', 'onFailure'], message }
  },

  function* sameKeys({ mailAuthentication: { dkim, arc } }) {
    const keys = dkim.map(({ domain, selector }, index) => ({
      text: `${selector}._domainkey.${domain}`,
      path: ['mailAuthentication', 'dkim', index, 'selector'],
    }))
    const seal = arc && {
      text: `${arc.selector}._domainkey.${arc.domain}`,
      path: ['mailAuthentication', 'arc', 'selector'],
    }
    yield* repeated(seal ? [...keys, seal] : keys)
  },
]
