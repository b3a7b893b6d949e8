import { findRepeated, type Rule } from './rule.ts'

/** Rules about SPF, DKIM, DMARC and ARC. */
export const mailAuthenticationRules: readonly Rule[] = [
  function* notOnArrival({ mail: { authentication } }) {
    const { check, addResults, onFailure, reports } = authentication
    if (check === 'on-arrival') return
    const message = `has no effect with check: ${check}; write check: on-arrival, or remove it`
    if (addResults) yield { path: ['mail', 'authentication', 'addResults'], message }
    if (reports) yield { path: ['mail', 'authentication', 'reports'], message }
    if (onFailure !== 'accept') yield { path: ['mail', 'authentication', 'onFailure'], message }
  },

  function* sameKeys({ mail: { authentication } }) {
    const { dkim, arc } = authentication
    const keys = dkim.map(({ domain, selector }, index) => ({
      text: `${selector}._domainkey.${domain}`,
      path: ['mail', 'authentication', 'dkim', index, 'selector'],
    }))
    const seal = arc && {
      text: `${arc.selector}._domainkey.${arc.domain}`,
      path: ['mail', 'authentication', 'arc', 'selector'],
    }
    yield* findRepeated(seal ? [...keys, seal] : keys)
  },
]
