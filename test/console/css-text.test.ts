import { expect, it } from 'vitest'
import { readCss } from '../../console/src/pages/mail/check/css-text.ts'

it('a style sheet has selectors, at-rules and declarations', () => {
  const use = readCss(`
    /* a comment { */ @import url("a;b.css");
    @media (max-width: 600px) { .a > b, #c { color: red !important; background: url(data:a;b) } }
    @font-face { font-family: "A;}" }
    p::after { content: "}" ; --x: 1 }`)
  expect(use.selectors).toEqual(['.a > b, #c', 'p::after'])
  expect(use.atRules).toEqual(['@import url("a;b.css")', '@media (max-width: 600px)', '@font-face'])
  expect(use.declarations).toEqual([
    { property: 'color', value: 'red !important' },
    { property: 'background', value: 'url(data:a;b)' },
    { property: 'font-family', value: '"a;}"' },
    { property: 'content', value: '"}"' },
    { property: '--x', value: '1' },
  ])
  expect([use.comments, use.isNested]).toEqual([1, false])
})

it('a style attribute has declarations, and rules can be nested', () => {
  expect(readCss('margin:0;padding : 1em', true).declarations).toEqual([
    { property: 'margin', value: '0' },
    { property: 'padding', value: '1em' },
  ])
  expect(readCss('.a { & .b { color: red } }').isNested).toBe(true)
})
