// Written by scripts/caniemail.mjs from the data of https://www.caniemail.com (MIT licence) of 2026-05-13.

/** The mail programs, by the number that `support` uses. */
export const clients: readonly string[] = [
  'Gmail (Desktop Webmail)',
  'Gmail (iOS)',
  'Gmail (Android)',
  'Gmail (Mobile Webmail)',
  'Orange (Desktop Webmail)',
  'Orange (iOS)',
  'Orange (Android)',
  'Outlook (Windows)',
  'Outlook (Windows Mail)',
  'Outlook (macOS)',
  'Outlook.com',
  'Outlook (iOS)',
  'Outlook (Android)',
  'Yahoo! Mail (Desktop Webmail)',
  'Yahoo! Mail (iOS)',
  'Yahoo! Mail (Android)',
  'AOL (Desktop Webmail)',
  'AOL (iOS)',
  'AOL (Android)',
  'SFR (iOS)',
  'SFR (Android)',
  'ProtonMail (Desktop Webmail)',
  'ProtonMail (iOS)',
  'ProtonMail (Android)',
  'Fastmail (Desktop Webmail)',
  'GMX (Desktop Webmail)',
  'WEB.DE (Desktop Webmail)',
  'SFR (Desktop Webmail)',
  'Mozilla Thunderbird (macOS)',
  'Mail.ru (Desktop Webmail)',
  'LaPoste.net (Desktop Webmail)',
  '1&1 (Desktop Webmail)',
  'Samsung Email (Android)',
  'GMX (Android)',
  'WEB.DE (Android)',
  '1&1 (Android)',
  'WP.pl (Desktop Webmail)',
  'T-online.de (Desktop Webmail)',
  'Free.fr (Desktop Webmail)',
  'Apple Mail (macOS)',
  'Apple Mail (iOS)',
  'GMX (iOS)',
  'WEB.DE (iOS)',
  'HEY (Desktop Webmail)',
  'LaPoste.net (iOS)',
  'LaPoste.net (Android)',
  'RainLoop (Desktop Webmail)',
  'Mozilla Thunderbird (Windows)',
]

/** A line for each feature: kind, name, page on caniemail.com, programs without it, and programs with a part of it. */
export const support = `
property accent-color css-accent-color 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24 -
property align-items css-align-items 0,1,2,3,4,5,6,7,8,13,14,15,16,17,18,25,26 -
property animation css-animation 0,1,2,3,4,5,6,7,8,9,10,11,12,19,20,28,16,17,18,13,14,15,21,22,23,29,25,26 27,30,31
property aspect-ratio css-aspect-ratio 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,32,28,24,25,26 -
rule @font-face css-at-font-face 0,1,2,3,4,5,6,8,9,10,11,12,27,19,20,16,17,18,13,14,15,21,22,29,24,30,25,33,26,34,35 7
rule @import css-at-import 0,1,2,3,4,5,6,9,10,11,12,28,13,14,15,16,17,18,32,27,19,20,21,22,29,24,30,25,33,26,34,35,36 -
rule @keyframes css-at-keyframes 0,1,2,3,4,5,6,7,8,9,10,11,12,27,19,20,17,18,14,15,21,22,23,29,30,25,26 31
rule @media css-at-media 3,7,8,27,19,20,28,30 0,1,2,9,10,11,12,32,13,14,15,16,17,18,21,22,29
rule @supports css-at-supports 0,1,2,3,7,8,9,10,11,12,27,19,20,28,21,22,29,24,30,25,26 -
property backdrop-filter css-backdrop-filter 0,1,2,3,5,7,8,10,11,12,13,14,15,16,17,18,25,26 -
property background-blend-mode css-background-blend-mode 3,4,5,6,7,8,13,14,15,16,17,18,25,26 1,2
property background-clip css-background-clip 3,4,5,6,7,8,13,14,15,16,17,18,25,26 1,2
property background-color css-background-color - 4,5,6,25,26
property background-image css-background-image 7,8,37,38 13,14,15,16,17,18,25,26
property background-origin css-background-origin 3,4,5,6,7,8,13,14,15,16,17,18,25,26 1,2
property background-position css-background-position 7,8 25,26
property background-repeat css-background-repeat 7,8 25,26
property background-size css-background-size 3,4,5,6,7,8,25,26 1,2
property background css-background - 4,5,6,7,8,13,14,15,16,17,18,25,26
property border-image css-border-image 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,25,26 -
property border-radius css-border-radius 4,5,6,7,8,25,26 16,17,18,13,14,15
property border-spacing css-border-spacing 7,8,9 -
property border css-border - 7,8
property box-shadow css-box-shadow 0,3,4,5,6,7,8,13,14,15,16,17,18,25,26 1,2
property box-sizing css-box-sizing 3,4,5,6,7,8,13,14,15,16,17,18 -
property caption-side css-caption-side 7,8 -
property clear css-clear 7,8 2,12,13,14,15,16,17,18,25,26
property clip-path css-clip-path 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,25,26 29
property column-count css-column-count 3,7,8,13,14,15,16,17,18,25,26 -
property cursor css-cursor 40,0,1,2,3,9,10,11,12,14,41 39,13,15,21,25
property direction css-direction - 3
property display css-display - 1,2,4,5,6,7,8,16,17,18,13,14,15,24,25,26
property empty-cells css-empty-cells 7,8,14,15,17,18,29 -
property filter css-filter 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,24,25,26 29
property float css-float 7,8 1,2,13,14,15,16,17,18,25,26
property font-kerning css-font-kerning 7,13,14,15,16,29,25,37 -
property font-size-adjust css-font-size-adjust 7,8 1,2,13,14,15,25,26
property font-size css-font-size - 7,8,13,14,15,16,17,18,32,25,26
property font-stretch css-font-stretch 2,7,12,13,14,15,16,17,32,20 -
property font-weight css-font-weight - 4,7,8,13,14,15,16,17,18
property height css-height 16,17,18,13,14,15 7
property hyphenate-character css-hyphenate-character 0,1,2,3,7,8,9,10,11,12,13,14,15,16,17,18,25,26 29
property hyphenate-limit-chars css-hyphenate-limit-chars 39,40,0,1,2,3,7,8,9,10,11,12,13,14,15,16,17,18,32,28,25,26 -
property hyphens css-hyphens 0,1,2,7,8,9,10,11,12,13,14,15,16 -
property inert css-inert-attribute 0,1,2,3,7,8,9,10,11,12,13,14,15,16,17,18 -
property inset css-inset 0,1,2,3,7,8,9,10,11,12,13,14,15,16,17,18,32,29,25,26 -
property justify-content css-justify-content 0,1,2,3,4,5,6,7,8,13,14,15,16,17,18,25,26 -
property letter-spacing css-letter-spacing - 7,8
property line-height css-line-height - 5,6,7,8
property list-style-image css-list-style-image 0,1,2,3,4,7,8,9,10,11,12,16,17,18,13,14,15,21,23 -
property list-style-position css-list-style-position 7,8 -
property list-style css-list-style 23 0,1,2,3,7,8,9,16,17,18,13,14,15,21
property margin css-margin - 0,1,2,3,7,8,9,10,11,12,16,17,18,13,14,15,29
property mask-image css-mask-image 0,1,2,3,7,8,10,11,12,13,14,15,16,17,18,25,26 -
property max-block-size css-max-block-size 0,1,2,7,8,9,10,12,13,14,15,16 -
property max-height css-max-height 7,8 -
property max-inline-size css-max-inline-size 0,1,2,3,7,8,9,10,11,12,13,14,15,16,17,18,25,26 -
property max-width css-max-width - 7,8
property min-block-size css-min-block-size 0,1,2,3,7,8,9,10,11,12,13,14,15,16,17,18,25,26 -
property min-height css-min-height 7,8,19,22 -
property min-inline-size css-min-inline-size 0,1,2,3,7,8,9,10,12,13,14,15,16 -
property min-width css-min-width 7,8 -
property mix-blend-mode css-mix-blend-mode 3,4,5,6,7,8,13,14,15,16,17,18,24,25,26 1,2
property object-fit css-object-fit 3,4,5,6,7,8,16,17,18,13,14,15,25,26 1,2
property object-position css-object-position 3,4,5,6,7,8,16,17,18,13,14,15,25,26 1,2
property opacity css-opacity 3,4,5,6,7,8,16,17,18,29,25,26 -
property orphans css-orphans 0,1,2,3,7,8,13,14,15,16,17,18,25,26 -
property outline-offset css-outline-offset 0,1,2,3,4,5,6,7,8,9,10,11,12,16,17,18,13,14,15,25 -
property outline css-outline 4,5,6,7,8 -
property overflow-wrap css-overflow-wrap 0,1,2,7,8,9,10,11,12,13,14,15,16 39,40
property overflow css-overflow 7,8 39,40,0,1,2,3,4,9,10,11,12,13,14,15,16,17,18,32,21,22,23,29,25,41,33,26,42,34
property padding css-padding - 7,8
property position css-position 0,1,2,3,7,8,11,29 39,40,4,5,6,9,10,12,32,27,19,20,16,17,18,13,14,15,43,24,30
property resize css-resize 40,0,1,2,5,7,8,9,10,11,12,13,14,15,16,17,18,19,22,25,41,26,42 39
property scroll-snap css-scroll-snap 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,24 -
property shape-margin css-shape-margin 0,1,2,3,7,8,10,11,12,16,17,18,13,14,15 -
property shape-outside css-shape-outside 0,1,2,3,7,8,10,11,12,16,17,18,13,14,15 -
property tab-size css-tab-size 0,1,2,7,8,12,13,14,15,16,29,25,33,26,34,35 -
property table-layout css-table-layout 7,8,9 -
property text-align-last css-text-align-last 7,9,10,11,12,13,14,15,16 -
property text-align css-text-align - 2,3,4,5,6,7,8,12,13,14,15,16,17,18,32,25,26
property text-decoration-color css-text-decoration-color 3,4,7,8,25,26 1,2
property text-decoration-line css-text-decoration-line 7,8,18,25,26 -
property text-decoration-skip-ink css-text-decoration-skip-ink 0,1,2,3,4,5,7,8,9,10,11,12,13,14,15,16,17,18,25,26 -
property text-decoration-style css-text-decoration-style 7,8,18,25,26 -
property text-decoration-thickness css-text-decoration-thickness 0,1,2,3,4,6,7,8,9,10,11,12,32,20,16,17,18,13,14,15,25,26 -
property text-decoration css-text-decoration 5,19,22 1,2,7,8,25,41,26,42
property text-emphasis-position css-text-emphasis-position 0,1,2,3,7,8,10,11,12,32,16,17,18,13,14,15,25,26 -
property text-emphasis css-text-emphasis 2,3,7,8,12,32,16,17,18,13,14,15,25,26 -
property text-indent css-text-indent - 0,1,2,3,13,14,15,16,17,18,21,29
property text-justify css-text-justify 39,40,1,2,8,9,11,12,14,15,16,17,18,32,22,26 0,3,7,10,13,21,29,25
property text-orientation css-text-orientation 7,8,13,14,15,16,17,18,25,26 -
property text-overflow css-text-overflow 4,7,8,13,14,15,16,17,18,32,25,26 1,2
property text-shadow css-text-shadow 0,1,2,3,7,8,9,10,11,12 -
property text-transform css-text-transform - 7,8
property text-underline-offset css-text-underline-offset 0,1,2,3,4,6,7,8,9,10,11,12,20,16,17,18,13,14,15,25,26 -
property text-underline-position css-text-underline-position 7,8,9,13,14,15,16,17,18,25,26 39,40,1,11
property text-wrap css-text-wrap 0,1,2,3,7,8,9,10,11,12,13,14,15,16,17,18,25,26 -
property transform css-transform 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,29,25,26 -
property transition css-transition 0,1,2,3,4,5,6,7,8,9,10,11,12,19,20,22 32,16,17,18,13,14,15,43
property user-select css-user-select 0,1,2,7,8,9,10,11,12,13,14,15,16,17,18,25,26,42 40,21,22,23
property visibility css-visibility 0,1,2,3,4,5,6,7,8,16 -
property white-space-collapse css-white-space-collapse 0,1,2,3,7,8,9,10,11,12,13,14,15,16,17,18 -
property white-space css-white-space 7,8,32 1,2,14,15,20,33,34,35
property widows css-widows 0,1,2,3,7,8,13,14,15,16,17,18,25,26 -
property width css-width - 7,30
property word-break css-word-break 5,6,8,16,17,18,13,14,15,25,33,26,34,35 39,40,1,2,3,4,9,10,11,12,32,22,23,43
property word-spacing css-word-spacing 7,8,18 13,14,15,16,17,25,26
property word-wrap css-word-wrap 7,8,12 0,2
property writing-mode css-writing-mode 4,5,6,7,8,16,17,18,13,14,15,24,25,26 1,2
property z-index css-z-index 0,1,2,3,7,8,29 -
element abbr html-abbr 4,5,7,8,16,17,18,13,14,15,43,29 -
element acronym html-acronym 7,8,16,17,18,13,14,15,29 -
attribute align html-align - 9,21,43
attribute aria-describedby html-aria-describedby 0,1,2,3,4,5,6,7,8,28,13,14,15,16,17,18,43,29,24,25,33,26,34,35 -
attribute aria-hidden html-aria-hidden 4,5,6,8,28,13,14,15,16,17,18,43,25,33,26,34,35 -
attribute aria-label html-aria-label 4,5,6,28,8,13,14,15,16,17,18,43,25,33,26,34,35 -
attribute aria-labelledby html-aria-labelledby 0,1,2,3,4,5,6,7,8,10,28,13,14,15,16,17,18,43,24,25,33,26,34,35 -
attribute aria-live html-aria-live 4,5,6,8,9,10,11,12,28,13,14,15,16,17,18,43,25,33,26,34,35 7
element audio html-audio 0,1,2,3,4,5,6,7,8,9,10,11,12,16,17,18,13,14,15,21,22,23,43,29,24,30,25,41,33,26,42,34,31 -
attribute background html-background 8,43 1,2,7
element bdi html-bdi 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,43,29,25,33,26,34,31,35 -
element blockquote html-blockquote - 43
element body html-body 9,27,19,20,17,18,14,15,21,22,23,29,24,30 0,1,2,3,4,5,6,10,11,12,16,13,43
element code html-code 4,5,6 -
element dfn html-dfn 29,37 7,8
element dialog html-dialog 0,1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,21,22,43,29,24,25,33,26,34,31,35 -
attribute dir html-dir 25,26 3,4,5,6,7,8
element form html-form 4,5,6,7,8,27,14,21,22,23,43,29,24,30,25,33,26,34,31,35 1,9,10
attribute height html-height 43 7
attribute hidden html-hidden 0,1,2,3,7,8,9,10,11,12,16,13,14,15,25,26 29
attribute lang html-lang 4,43,25,33,26,34,31,35 16,13,14,15
element link html-link 0,1,2,3,4,5,6,9,10,11,12,28,13,14,15,16,17,18,32,27,19,20,21,22,23,43,29,24,30,25,33,26,34,31,35,36 -
attribute loading html-loading-attribute 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,22,23,24,25,33,26,34,31,35 43
element marquee html-marquee 0,1,2,3,4,7,8,43,29,24,25,33,26,34,31,35 9,10,16,13,21,30
element meter html-meter 0,1,3,4,5,6,7,8,13,14,15,16,17,18,43,29,25,33,26,34,31,35 2
element object html-object 0,1,2,3,4,5,6,7,8,9,10,11,12,27,19,20,16,17,18,13,14,15,21,22,23,43,29,24,30,25,33,26,34,31,35 39,32,28,41,42
element picture html-picture 0,1,2,3,4,5,6,7,8,9,10,11,12,16,17,18,13,14,15,21,22,23,43,29,24,25,33,26,34,31,35 39
attribute popover html-popover 0,1,2,3,7,8,9,10,11,12,13,14,15,16,17,19,28,21,22,43,24 32,29
element progress html-progress 0,1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,43,29,25,33,26,34,31,35 2
attribute required html-required 0,1,3,4,5,6,7,8,9,10,19,13,14,15,16,17,18,22,23,43,29,25,33,26,34,31,35 2,27,21,30
attribute role html-role 4,5,6,8,43,25,33,26,34,31,35 13,14,15,16,17,18
element rp html-rp 0,1,3,4,5,6,7,8,43,29,25,33,26,34,31,35 2
element rt html-rt 0,1,3,4,5,6,7,8,43,29,25,33,26,34,31,35 2
element ruby html-ruby 0,1,3,4,5,6,7,8,43,29,25,33,26,34,31,35 2
element select html-select 7,8,27,19,20,14,43,30,25,33,26,34,35 40,1,28
element small html-small 4,5,6,31 -
element strike html-strike 43 1,2
element style html-style 3,27,19,20,30,44,45,25,26,46 0,1,2,7,8,22,23
attribute target html-target 0,1,2,3,4,5,6,10,19,20,16,17,18,13,14,15,21,22,23,43,29,24,25,33,26,34,31,35 39,40,7,8,9,11,12,32,28,41,42
element textarea html-textarea 7,8,12,32,27,19,20,15,43,30,25,33,26,34,35 28,23
element video html-video 0,1,2,3,4,5,6,7,8,10,11,12,16,17,18,13,14,15,21,22,23,43,29,24,30,25,33,26,34,31,35 40,32
element wbr html-wbr 1,4,6,7,8,43,29,25,41,33,26,42,34,35 2
attribute width html-width 43 7
image avif image-avif 5,7,8,19,29,24,25,41,33,26,42,34,31,35 0,1,2,3
image bmp image-bmp 41,42 0,2,3
image gif image-gif - 7
image hdr image-hdr 39,40,0,1,2,3,7,8,9,10,11,12,32,47,28,16,17,18,13,14,15,6,20,21,22,23,43,29,24,30,25,41,33,26,42,34,31,35 -
image heif image-heif 7,8,10,12,32,47,28,18,15,4,5,6,27,19,20,23,43,29,24,30,25,41,33,26,42,34,31,35 0,1,2,3,16,13,21
image ico image-ico 7,20 -
image svg image-svg 0,3,29 1,2
image tiff image-tiff 7,10,12,32,47,28,16,18,13,15,4,6,20,23,29,24,25,33,26,34,31,35 0,2,3
image webp image-webp 7 0,1,2,3
`
