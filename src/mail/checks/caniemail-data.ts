// Written by scripts/caniemail.mjs from the data of https://www.caniemail.com (MIT licence) of 2026-06-29.

/** The mail programs in the order of `support`: family and platform on caniemail.com, and the name. */
export const clients = `
apple-mail macos Apple Mail (macOS)
apple-mail ios Apple Mail (iOS)
gmail desktop-webmail Gmail (Desktop Webmail)
gmail ios Gmail (iOS)
gmail android Gmail (Android)
gmail mobile-webmail Gmail (Mobile Webmail)
orange desktop-webmail Orange (Desktop Webmail)
orange ios Orange (iOS)
orange android Orange (Android)
outlook windows Outlook (Windows)
outlook windows-mail Outlook (Windows Mail)
outlook macos Outlook (macOS)
outlook outlook-com Outlook.com
outlook ios Outlook (iOS)
outlook android Outlook (Android)
yahoo desktop-webmail Yahoo! Mail (Desktop Webmail)
yahoo ios Yahoo! Mail (iOS)
yahoo android Yahoo! Mail (Android)
aol desktop-webmail AOL (Desktop Webmail)
aol ios AOL (iOS)
aol android AOL (Android)
samsung-email android Samsung Email (Android)
sfr desktop-webmail SFR (Desktop Webmail)
sfr ios SFR (iOS)
sfr android SFR (Android)
protonmail desktop-webmail ProtonMail (Desktop Webmail)
protonmail ios ProtonMail (iOS)
protonmail android ProtonMail (Android)
hey desktop-webmail HEY (Desktop Webmail)
mail-ru desktop-webmail Mail.ru (Desktop Webmail)
fastmail desktop-webmail Fastmail (Desktop Webmail)
thunderbird macos Mozilla Thunderbird (macOS)
laposte desktop-webmail LaPoste.net (Desktop Webmail)
gmx desktop-webmail GMX (Desktop Webmail)
gmx ios GMX (iOS)
gmx android GMX (Android)
web-de desktop-webmail WEB.DE (Desktop Webmail)
web-de ios WEB.DE (iOS)
web-de android WEB.DE (Android)
ionos-1and1 desktop-webmail 1&1 (Desktop Webmail)
ionos-1and1 android 1&1 (Android)
wp-pl desktop-webmail WP.pl (Desktop Webmail)
t-online-de desktop-webmail T-online.de (Desktop Webmail)
free-fr desktop-webmail Free.fr (Desktop Webmail)
thunderbird windows Mozilla Thunderbird (Windows)
laposte ios LaPoste.net (iOS)
laposte android LaPoste.net (Android)
rainloop desktop-webmail RainLoop (Desktop Webmail)
`

/**
 * A line for each feature that not all programs support: kind, name, page on caniemail.com, and a letter for each program:
 * y supports it, a supports a part of it, n does not, - was not tested.
 */
export const support = `
property accent-color css-accent-color yynnnnnnnnnnnnnnnnnnnyynnnnnyyn
property align-items css-align-items yynnnnnnnnnyyyynnnnnnyyyyyyyyyyyynyynyyyy
property animation css-animation yynnnnnnnnnnnnnnnnnnnyannnnnynynanyynyyay
property aspect-ratio css-aspect-ratio yynnnnnnnnnnnnnnnnnnnnyyyyyyyynnynyynyyyy
rule @font-face css-at-font-face yynnnnnnnannnnnnnnnnnynnnnnyynnynnynnynyn
rule @import css-at-import yynnnnnnnyynnnnnnnnnnnnnnnnyynnnnnynnynynn
rule @keyframes css-at-keyframes yynnnnnnnnnnnnnynnynnynnnnnnynyynnyynyyay
rule @media css-at-media yyaaanyyynnaaaaaaaaaaannnaayyaynnyyyyyyyy
rule @supports css-at-supports yynnnnyyynnnnnnyyyyyyynnnnnyynnnnnyynyyyy
property backdrop-filter css-backdrop-filter yynnnn-n-nnynnnnnnnnnyyyyyyy-y---n--n
property background-blend-mode css-background-blend-mode yyyaannnnnnyyyynnnnnnyyyyyyyyyyyynyynyyyy
property background-clip css-background-clip yyyaannnnnnyyyynnnnnnyyyyyyyyyyyynyynyyyy
property background-color css-background-color yyyyyyaaayyyyyyyyyyyyyyyyyyyyyyyyayyayyyy
property background-image css-background-image yyyyyyyyynnyyyyaaaaaayyyyyyyyyyyyayyayyyy-nn
property background-origin css-background-origin yyyaannnnnnyyyynnnnnnyyyyyyyyyyyynyynyyyy
property background-position css-background-position yyyyyyyyynnyyyyyyyyyyyyyyyyyyyyyyayyayyyy
property background-repeat css-background-repeat yyyyyyyyynnyyyyyyyyyyyyyyyyyyyyyyayyayyyy
property background-size css-background-size yyyaannnnnnyyyyyyyyyyyyyyyyyyyyyynyynyyyy
property background css-background yyyyyyaaaaayyyyaaaaaayyyyyyyyyyyyayyayyyy
property border-image css-border-image yynnnnnnnnnnnnnnnnnnnyyyyyyyyyyyynyynyyyy
property border-radius css-border-radius yyyyyynnnnnyyyyaaaaaayyyyyyyyyyyynyynyyyy
property border-spacing css-border-spacing yyyyyy---nnnyyyyyyyyyyyyyyyy-y-y-y--y
property border css-border yyyyyyyyyaayyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property box-shadow css-box-shadow yynaannnnnnyyyynnnnnnyyyyyyyyyyyynyynyyyy
property box-sizing css-box-sizing yyyyynnnnnnyyyynnnnnnyyyyyyyyyyyyyyyyyyyy
property caption-side css-caption-side yyyyyyyyynnyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property clear css-clear yyyya----nn-yyaaaaaaay---yyy-y---a--a
property clip-path css-clip-path yynnnnnnnnnnnnnnnnnnnyyyyyyyyayyynyynyyyy
property column-count css-column-count yyyyynyyynnyyyynnnnnnyyyyyyyyyyyynyynyyyy
property cursor css-cursor annnnn-----nnnnana-------a-----y-any
property direction css-direction yyyyyayyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property display css-display yyyaayaaaaayyyyaaaaaayyyyyyyyyayyayyayyyy
property empty-cells css-empty-cells yyyyy----nnyyyyynnynny---yyy-n
property filter css-filter yynnnnnnnnnnnnnnnnnnnyyyyyyyyanyynyynyyyy
property float css-float yyyaayyyynnyyyyaaaaaayyyyyyyyyyyyayyayyyy
property font-kerning css-font-kerning yyyyyy---n-yyyynnnn--yy--yyy-n-y-n--------ny
property font-size-adjust css-font-size-adjust yyyaay---nnyyyyaaa-------yyy-y-y-ayya
property font-size css-font-size yyyyyy---aayyyyaaaaaaa---yyy-y-y-a--a
property font-stretch css-font-stretch yyyyny---n-yyynnnnnn-nyynyy--y-y
property font-weight css-font-weight yyyyyyayyaayyyyaaaaaayyyyyyyyyyyyyyyyyyyy
property height css-height yyyyyyyyyayyyyynnnnnnyyyyyyyyyyyyyyyyyyyy
property hyphenate-character css-hyphenate-character yynnnn---nnnnnnnnnnnny---yyy-a---n--n
property hyphenate-limit-chars css-hyphenate-limit-chars nnnnnn---nnnnnnnnnnnnn-------y-n-n--n
property hyphens css-hyphens yynnn----nnnnnnnnnn--yyyy----y
property inert css-inert-attribute yynnnn---nnnnnnnnnnnny---ann
property inset css-inset yynnnn---nnnnnnnnnnnnn-------n-y-n--n
property justify-content css-justify-content yynnnnnnnnnyyyynnnnnnyyyyyyyyyyyynyynyyyy
property letter-spacing css-letter-spacing yyyyyyyyyaayyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property line-height css-line-height yyyyyyyaaaayyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property list-style-image css-list-style-image yynnnnnyynnnnnnnnnnnnyyyynynyyyyyyyyyyyyy
property list-style-position css-list-style-position yyyyyyyyynnyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property list-style css-list-style yyaaaayyyaaayyyaaaaaayyyyaynyyyyyyyyyyyyy
property margin css-margin yyaaaayyyaaaaaaaaaaaayyyyyyyyayyyyyyyyyyy
property mask-image css-mask-image yynnnn---nnynnnnnnnnny-------y---n--n
property max-block-size css-max-block-size yynnn----nnnnynnnnn--y---yyy-y
property max-height css-max-height yyyyyyyyynnyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property max-inline-size css-max-inline-size yynnnn---nnnnnnnnnnnny---yyy-y---n--n
property max-width css-max-width yyyyyyyyyaayyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property min-block-size css-min-block-size yynnnn---nnnnnnnnnnnny---yyy-y---n--n
property min-height css-min-height yyyyyyyyynnyyyyyyyyyyyynyynyyyyyyyyyyyyyy
property min-inline-size css-min-inline-size yynnnn---nnnnynnnnn--y---yyy-y
property min-width css-min-width yyyyyyyyynnyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property mix-blend-mode css-mix-blend-mode yyyaannnnnnyyyynnnnnnyyyyyyyyynyynyynyyyy
property object-fit css-object-fit yyyaannnnnnyyyynnnnnnyyyyyyyyyyyynyynyyyy
property object-position css-object-position yyyaannnnnnyyyynnnnnnyyyyyyyyyyyynyynyyyy
property opacity css-opacity yyyyynnnnnnyyyyyyynnnyyyyyyyynyyynyynyyyy
property orphans css-orphans yynnnn---nnyyyynnnnnny---yyy-y---n--n
property outline-offset css-outline-offset yynnnnnnnnnnnnnnnnnnnyyyyyyyyyyyyn--------yy
property outline css-outline yyyyyynnnnnyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy-yy
property overflow-wrap css-overflow-wrap aannn----nnnnnnnnnn--y-------y
property overflow css-overflow aaaaaaayynnaaaaaaaaaaayyyaaayayyyaaaaaayy
property padding css-padding yyyyyyyyyaayyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property position css-position aannnnaaannaanaaaaaaaaaaayyyanayayyyyyyyy
property resize css-resize annnn--n-nnnnnnnnnnnny-n-ana-y---nn-nn
property scroll-snap css-scroll-snap yynnnnnnnnnnnnnnnnnnnyyyyyyyyynyy
property shape-margin css-shape-margin yynnnn---nnynnnnnnnnny---yyy-y-y
property shape-outside css-shape-outside yynnnn---nnynnnnnnnnny---yyy-y-y
property tab-size css-tab-size yynnn----nnyyynnnnn--y---yyy-n---nynnynyn
property table-layout css-table-layout yyyyy----nnnyyyyyyy--y---yyy-y
property text-align-last css-text-align-last yyyyyy---n-nnnnnnnn--y---yyy-y------------yy
property text-align css-text-align yyyyaaaaaaayyyaaaaaaaayyyyyyyyyyyayyayyyy
property text-decoration-color css-text-decoration-color yyyaannyynnyyyyyyyyyyyyyyyyyyyyyynyynyyyy
property text-decoration-line css-text-decoration-line yyyyyy---nnyyyyyyyyyny---yyy-y-y-n--n
property text-decoration-skip-ink css-text-decoration-skip-ink yynnnnnn-nnnnnnnnnnnnyy--yyyyyyyyn--n
property text-decoration-style css-text-decoration-style yyyyyy---nnyyyyyyyyyny---yyy-y-y-n--n
property text-decoration-thickness css-text-decoration-thickness yynnnnnynnnnnnnnnnnnnnyynyyyyyyyynyynyyyy
property text-decoration css-text-decoration yyyaayynyaayyyyyyyyyyyynyynyyyyyyaayaayyy
property text-emphasis-position css-text-emphasis-position yynnnn---nnynnnnnnnnnn---yyy-y---nyynyyyy
property text-emphasis css-text-emphasis yyyynn---nnyyynnnnnnnn---yyy-y---nyynyyyy
property text-indent css-text-indent yyaaaayyyyyyyyyaaaaaayyyyayyyayyyyyyyyyyy
property text-justify css-text-justify nnanna---annannannnnnn---any-a---a--n
property text-orientation css-text-orientation yyyyyy---nnyyyynnnnnny---yyy-y-y-n--n
property text-overflow css-text-overflow yyyaaynyynnyyyynnnnnnnyyyyyyyyyyynyynyyyy
property text-shadow css-text-shadow yynnnnyyynnnnnnyyyyyyyyyyyyyyyyyyyyyyyyyy
property text-transform css-text-transform yyyyyyyyyaayyyyyyyyyyyyyyyyyyyyyyyyyyyyyy
property text-underline-offset css-text-underline-offset yynnnnnynnnnnnnnnnnnnyyynyyyyyyyynyynyyyy
property text-underline-position css-text-underline-position aayayy---nnnyaynnnnnny---yyy-y-y-n--n
property text-wrap css-text-wrap yynnnn---nnnnnnnnnnnny---yyy-y---n--n
property transform css-transform yynnnnnnnnnnnnnnnnnnnyyyyyyyynyyynyynyyyy
property transition css-transition yynnnnnnnnnnnnnaaaaaaaynnyn-ayyyy----------y
property user-select css-user-select yannn----nnnnnnnnnnnny---aaa-y---n--nn
property visibility css-visibility yynnnnnnnnnyyyyyyynyyyyyyyyyyyyyyyyyyyyyy
property white-space-collapse css-white-space-collapse yynnnn---nnnnnnnnnnnny---yyy-y
property white-space css-white-space yyyaayyyynnyyyyyaayyynyyayyyyyyyyyyayyaya
property widows css-widows yynnnn---nnyyyynnnnnny---yyy-y---n--n
property width css-width yyyyyyyyyayyyyyyyyyyyyyyyyyyyyyyayyyyyyyy
property word-break css-word-break aayaaaannynaaaannnnnnayyyyaaayyyynynnynyn
property word-spacing css-word-spacing yyyyyy---nnyyyyaaaaany---yyy-y-y-a--a
property word-wrap css-word-wrap yya-a----nn-yyny
property writing-mode css-writing-mode yyyaaynnnnnyyyynnnnnnyyyyyyyyynyynyynyyyy
property z-index css-z-index yynnnnyyynnyyyyyyyyyyyyyyyyyynyyyyyyyyyyy
element abbr html-abbr yyyyyynn-nnyyyynnnnnnyyy-yy-nnyyyy--y-----yy
element acronym html-acronym yyyyyy---nnyyyynnnnnnyyyyyyy-n-y-y--y-----y
attribute align html-align yyyyyyyyyyyayyyyyyyyyyyyyayyayyyyyyyyyyyy
attribute aria-describedby html-aria-describedby yynnnnnnnnnyyyynnnnnnyyyyyyynnnnynynnynyn
attribute aria-hidden html-aria-hidden yyyyyynnnynyyyynnnnnnyyyyyyynyynynynnynyn
attribute aria-label html-aria-label yyyyyynnnynyyyynnnnnnyyyyyyynyynynynnynyn
attribute aria-labelledby html-aria-labelledby yynnnnnnnnnynyynnnnnnyyyyyyynynnynynnynyn
attribute aria-live html-aria-live yyyyyynnnannnnnnnnnnnyyyyyyynyynynynnynyn
element audio html-audio yynnnnnnnnnnnnnnnnnnnyyyynnnnnnynnnnnnnny---y
attribute background html-background yyyaayyyyanyyyyyyyyyyyyyyyyynyyyyyyyyyyyy-yy
element bdi html-bdi yynnnnnnnnnnnnnnnnnnnyyyyyyynnyyynynnynnn
element blockquote html-blockquote yyyyyyyyyyyyyyyyyyyyyyyyyyyyayyyyyyyyyyyy
element body html-body yyaaaaaaayynaaaannannynnnnnnannynyyyyyyyy
element code html-code yyyyyynnnyyyyyyyyyyyyyyyyyyyyyyyyy--------yy
element dfn html-dfn yyyyyy---aayyyyyyyyyyyyyyyyy-n-y-y--y-----n
element dialog html-dialog yynnynnnnnnnnnnnnnnnnyyyynnynnnyynynnynnn
attribute dir html-dir yyyyyaaaaaayyyyyyyyyyyyyyyyyyyyyynyynyyyy
element form html-form yyyayynnnnnaayyynyyyyynyynnnnnnynnynnynnn
attribute height html-height yyyyyyyyyayyyyyyyyyyyyyyyyyynyyyyyyyyyyyy
attribute hidden html-hidden yynnnn---nnnnnnnnnn--yyyyyyy-a-y-n--n
attribute lang html-lang yyyyyynyyyyyyyyaaaayyyyyyyyynyyyynynnynnn
element link html-link yynnnnnnnyynnnnnnnnnnnnnnnnnnnnnnnynnynnnn
attribute loading html-loading-attribute yynnnnnnnnnnnnnnnnnnnyynnynnaynyynynnynnn
element marquee html-marquee yynnnnnyynnaayyayyayyyyyyayynnnyanynnynnn---y
element meter html-meter yynnannnnnnyyyynnnnnnyyyyyyynnyyynynnynnn
element object html-object aynnnnnnnnnnnnnnnnnnnannnnnnnnnannannannn
element picture html-picture aynnnnnnnnnnnnnnnnnnnyyyynnnnnnyynynnynnn
attribute popover html-popover yynnnn---nnnnnnnnnnn-aynynn-nann
element progress html-progress yynnannnnnnnnnnnnnnnnyyyyyyynnyyynynnynnn
attribute required html-required yynnannnnnnnnyynnnnnnyanyannnnyyanynnynnn
attribute role html-role yyyyyynnnynyyyyaaaaaayyyyyyynyyyynynnynnn
element rp html-rp yynnannnnnnyyyyyyyyyyyyyyyyynnyyynynnynnn
element rt html-rt yynnannnnnnyyyyyyyyyyyyyyyyynnyyynynnynnn
element ruby html-ruby yynnannnnnnyyyyyyyyyyyyyyyyynnyyynynnynnn
element select html-select yayayyyyynnyyyyynyyyyynnnyyynyyannynnynyn
element small html-small yyyyyynnnyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyny-yy
element strike html-strike yyyaayyyyyyyyyyyyyyyyyyyyyyynyyyyyyyyyyyy
element style html-style yyaaanyyyaayyyyyyyyyyynnnyaayyyynnyynyyyyy--ynnn
attribute target html-target aannnnnnnaaanaannnnnnaynnnnnnnnaynannannn
element textarea html-textarea yyyyyyyyynnyyynyynyyynnnnyyanyyannynnynyn
element video html-video yannnnnnnnnynnnnnnnnnayyynnnnnnynnynnynnn
element wbr html-wbr yyynaynynnnyyyyyyyyyyyyyyyyynnyyynnnnnnyn
attribute width html-width yyyyyyyyyayyyyyyyyyyyyyyyyyynyyyyyyyyyyyy
image avif image-avif yyaaaaynynnyyyyyyyyyyyynyyyyynnyynnnnnnnn
image bmp image-bmp yyayaayyyyyyyyyyyyyyyyyyyyyyyyyyyynyynyyy---y
image gif image-gif yyyyyyyyyayyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy---y
image hdr image-hdr nnnnnnyynnnnnnnnnnnnnnyynnnnnnnnnnnnnnnnn---n
image heif image-heif yyaaaannnnnynynaynaynnnnnaynnnnnnnnnnnnnn---n
image ico image-ico yyyyyyyyynyyyyyyyyyyyyyynyyyyyyyyyyyyyyyy---y
image svg image-svg yynaanyyyyyyyyyyyyyyyyyyyyyyynyyyyyyyyyyy---y
image tiff image-tiff yyayaanynnyynynnynnynnyynyynynnnynynnynnn---n
image webp image-webp yyaaaayyynyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy---y
`
