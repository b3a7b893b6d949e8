/** Words that announce a code, in many languages. A word of letters may be the end of a longer one: `Bestätigungscode`. */
const ANNOUNCING = [
  // English, German, French, Dutch, Danish, Norwegian, Swedish, Finnish
  'codes?|kode[nr]?|kod(?:en)?|koodi|passcodes?|otps?|pins?|tans?|one[- ]time|usage unique|einmal\\p{L}*|eenmalige?|engångs\\p{L}*|engangs\\p{L}*',
  // Spanish, Portuguese, Italian, Romanian, Catalan
  'c[óo]digos?|codice|codi|codul|cod de|un solo uso|uso único|usa e getta',
  // Polish, Czech, Slovak, Hungarian, Turkish, Croatian, Greek, Russian, Ukrainian, Bulgarian
  'kodu?|kodem|k[óo]d(?:ja|em)?|kodunuz|tek kullanımlık|jednorazow\\p{L}*|jednorázov\\p{L}*|κωδικ\\p{L}*|код(?:а|ом|у)?|одноразов\\p{L}*',
  // Vietnamese, Indonesian, Malay
  'mã (?:xác (?:minh|nhận|thực)|otp)|kode (?:verifikasi|otp)|sekali pakai',
]
/** The same in scripts without spaces between words, or with prefixes. */
const ANNOUNCING_ANYWHERE =
  'コード|認証番号|確認番号|暗証番号|ワンタイム|验证码|驗證碼|校验码|动态码|動態碼|激活码|认证码|인증|코드|일회용|รหัส|رمز|كود|קוד|סיסמה חד|कोड|ओटीपी'

/** Words that often come with a code, and often without one. */
const HINTING = [
  'password|verif\\p{L}*|confirm\\p{L}*|authenticat\\p{L}*|authoriz\\p{L}*|token|two[- ]factor|2fa|mfa|(?:log|sign)(?:ging|ing)?[- ]?in',
  'passwort|kennwort|bestätig\\p{L}*|verifizier\\p{L}*|anmeld\\p{L}*|mot de passe|vérifi\\p{L}*|connexion|contraseña|clave|verifica\\p{L}*|senha',
  'parola|wachtwoord|lösenord|adgangskode|passord|salasana|vahvistus\\p{L}*|hasło|hasła|heslo|jelszó|ellenőrző|şifre|doğrulama|пароль|підтвердження|подтвержд\\p{L}*',
]
const HINTING_ANYWHERE = '確認|認証|パスワード|密码|密碼|비밀번호|확인'

const wordPattern = (alternatives: readonly string[], anywhere: string): RegExp =>
  new RegExp(`(?:${alternatives.join('|')})(?!\\p{L})|${anywhere}`, 'giu')

/** Returns a pattern for words that announce a code. */
export const announcing = (): RegExp => wordPattern(ANNOUNCING, ANNOUNCING_ANYWHERE)
/** Returns a pattern for words that may come with a code. Only at the start of a word. */
export const hinting = (): RegExp =>
  new RegExp(`(?<!\\p{L})(?:${HINTING.join('|')})(?!\\p{L})|${HINTING_ANYWHERE}`, 'giu')

/** Beginnings of words and word groups that end in one of the announcing words, and announce something else. */
export const otherCodes =
  /^(?:promo(?:tion(?:al)?)?|discount|coupon|voucher|gift|referral|zip|post(?:al|leit)?|area|country|error|fehler|status|source|quell|qr|bar|strich|tracking|booking|order|product|item|artikel|sort|dress|exit|response|dial(?:l?ing)?|swift|bank|tax|colou?r|gutschein|rabatt|aktions|promotion|réduction|de|en|uni|geo|op|trans|vs|morse|s|o|hap|kap|cap|des|ter)[- ]?$/iu
/** Words after an announcing word that announces something else: `code of conduct`, `code postal`. */
export const otherCodesAfter =
  /^ (?:of conduct|of practice|review|base|sample|example|snippet|promo\p{L}*|postal|po[cč]\p{L}*|descuento|sconto|de r[ée]duction|de desconto|de descuento|iban)/iu

/** Names of numbers that are no codes, as they stand before the number. */
export const labels =
  /(?:order|invoice|ticket|case|ref(?:erence)?|tracking|shipment|parcel|account|customer|client|member(?:ship)?|policy|contract|phone|telephone|tel|fax|call(?: us at| us on)?|dial|mobile|whatsapp|room|flight|booking|reservation|year|copyright|©|\(c\)|since|total|price|amount|balance|qty|quantity|art(?:icle)?|item|sku|part|version|build|release|issue|bug|pr|rfc|iso|port|ending(?: in| with)?|ends in|card|iban|zip|zip code|postcode|postal code|p\.? ?o\.? box|suite|floor|page|line|bestell(?:ung|nummer|nr)|auftrag(?:snummer|snr)?|rechnung(?:snummer|snr)?|kunden(?:nummer|nr)|vertrag(?:snummer)?|sendung(?:snummer)?|telefon|hrb|ust-?id\p{L}*|steuernummer|commande|facture|dossier|client|téléphone|pedido|factura|cliente|teléfono|ordine|fattura|telefono|encomenda|fatura|bestelling|factuur|zamówieni[ae]|faktur[ay]|objedn[áa]vk[ay]|sipariş|заказ(?:а|у)?|счет|счёт|тел|注文番号|注文|電話番号?|郵便番号|会員番号|お客様番号|追跡番号|伝票番号|订单号?|訂單(?:編號)?|电话|電話|运单号|주문번호|주문|전화|운송장번호?)(?:[ .:：]*(?:numbers?|numéro|número|numero|nummer|num|no|nr|id|n[°º]|№|#|is|ist|est|es|è))*[\s.:：#*x•…()-]*$/iu

/** Text before a number that is money. */
export const moneyBefore =
  /(?:[$€£¥₹₽₩₺฿]|\b(?:usd|eur|gbp|chf|jpy|cad|aud|inr|brl|rs\.?|r\$|kr\.?|pln|czk|huf))[  ]?$/iu
/** Text after a number that is an amount, a measure or a date. */
export const unitAfter =
  /^[  ]?(?:[%‰€£¥₹₽₩₺$°]|(?:usd|eur|gbp|chf|jpy|euros?|dollars?|pounds?|kr|zł|kč|ft|руб|pln|czk|px|pt|em|kb|mb|gb|kib|mib|kg|g|km|m|cm|mm|mi|mph|ml|minutes?|mins?|hours?|hrs?|seconds?|secs?|days?|weeks?|months?|years?|minuten|stunden|tage|minutos?|horas?|días|jours|heures|people|users|points?|items?|times|am|pm|january|february|march|april|may|june|july|august|september|october|november|december)(?!\p{L})|年|月|日|円|元|원|분|분간|分)/iu
