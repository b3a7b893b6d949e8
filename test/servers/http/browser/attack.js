/**
 * The attacks that a page can try. They run in the browser, by itself: nothing outside of it may be used.
 * @param lab the base of the lab's URLs
 * @param paths what to read
 * @returns everything that the page could read, and what opened
 */
globalThis.attack = async ({ lab, paths }) => {
  const read = []
  const note = (what) => (text) => void read.push(`${what}: ${text}`)
  const ignore = () => {}
  const group = '{"name":"lab.evil"}'
  const message = '{"to":["alice"],"subject":"evil"}'
  const changes = [
    ['/api/v1/newsgroups', group],
    ['/api/v1/messages', message],
    ['/api/v1/reset', '{}'],
    ['/api/v1/messages/import?to=alice', 'Subject: evil\r\n\r\n'],
    ['/mailpit/api/v1/send', '{"From":{"Email":"a@b.c"},"To":[{"Email":"alice@lab.test"}],"Subject":"evil"}'],
    ['/mcp', '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"reset","arguments":{}}}'],
    ['/api/v1/session', '{"user":"alice","password":"secret"}'],
  ]

  const reads = paths.flatMap((path) => [
    fetch(lab + path)
      .then((answer) => answer.text())
      .then(note(`fetch ${path}`), ignore),
    fetch(lab + path, { credentials: 'include', headers: { 'X-A': '1' } })
      .then((answer) => answer.text())
      .then(note(`preflighted ${path}`), ignore),
    // An opaque answer has no text. It still tells whether one came.
    fetch(lab + path, { mode: 'no-cors', credentials: 'include' })
      .then((answer) => answer.text())
      .then((text) => text && note(`no-cors ${path}`)(text), ignore),
  ])
  const types = [
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
    'application/json',
    '',
  ]
  const writes = changes.flatMap(([path, body]) => [
    ...types.flatMap((type) =>
      ['cors', 'no-cors'].map((mode) =>
        fetch(lab + path, {
          method: 'POST',
          mode,
          credentials: 'include',
          body,
          headers: type ? { 'Content-Type': type } : {},
        })
          .then((answer) => answer.text())
          .then((text) => text && note(`${mode} POST ${path}`)(text), ignore),
      ),
    ),
    fetch(lab + path, { method: 'POST', mode: 'no-cors', body: new Blob([body], { type: 'text/plain' }) }).then(
      ignore,
      ignore,
    ),
    fetch(lab + path, { method: 'PUT', body }).then(ignore, ignore),
    fetch(`${lab}/api/v1/messages?all=true`, { method: 'DELETE' })
      .then((answer) => answer.text())
      .then(note('DELETE'), ignore),
  ])
  for (const [path, body] of changes) {
    navigator.sendBeacon(lab + path, body)
    navigator.sendBeacon(lab + path, new Blob([body], { type: 'text/plain' }))
  }

  const forms = changes.flatMap(([path, body]) =>
    ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data'].map((enctype, index) => {
      const frame = document.createElement('iframe')
      frame.name = `form-${path}-${index}`
      document.body.append(frame)
      const form = document.createElement('form')
      Object.assign(form, { method: 'POST', action: lab + path, enctype, target: frame.name })
      const input = document.createElement('input')
      // As text/plain the form is JSON.
      Object.assign(input, { name: `${body.slice(0, -1)},"a":"`, value: '"}' })
      form.append(input)
      document.body.append(form)
      const done = new Promise((resolve) => frame.addEventListener('load', () => resolve()))
      form.submit()
      return done.then(() => {
        const { contentDocument } = frame
        if (contentDocument) note(`form ${path}`)(contentDocument.body.textContent)
      })
    }),
  )

  const elements = paths.flatMap((path) =>
    ['img', 'script', 'iframe', 'link', 'object', 'embed', 'video'].map((name) => {
      const element = document.createElement(name)
      const url = lab + path
      if (name === 'link') Object.assign(element, { rel: 'stylesheet', href: url })
      else if (name === 'object') Object.assign(element, { data: url })
      else Object.assign(element, { src: url })
      const done = new Promise((resolve) => {
        element.addEventListener('error', () => resolve())
        element.addEventListener(name === 'video' ? 'loadeddata' : 'load', () => {
          if (['img', 'script', 'link', 'video'].includes(name)) note(`${name} ${path}`)('loaded')
          if (name === 'iframe') {
            const { contentDocument } = element
            if (contentDocument) note(`iframe ${path}`)(contentDocument.body.textContent)
          }
          resolve()
        })
      })
      document.body.append(element)
      // Objects and embeds that are refused say nothing.
      return name === 'object' || name === 'embed' ? Promise.resolve() : done
    }),
  )

  const sockets = ['/mailpit/api/events', '/t/one/mailpit/api/events', '/api/v1/events', '/mcp'].map(
    (path) =>
      new Promise((resolve) => {
        const socket = new WebSocket(lab.replace('http', 'ws') + path)
        socket.addEventListener('open', () => note(`WebSocket ${path}`)('opened'))
        socket.addEventListener('close', () => resolve())
      }),
  )
  const streams = ['/api/v1/events?lastEventId=0', '/mcp'].flatMap((path) =>
    [true, false].map(
      (withCredentials) =>
        new Promise((resolve) => {
          const stream = new EventSource(lab + path, { withCredentials })
          stream.addEventListener('open', () => note(`EventSource ${path}`)('opened'))
          stream.addEventListener('error', () => {
            stream.close()
            resolve()
          })
        }),
    ),
  )
  await Promise.all([...reads, ...writes, ...forms, ...elements, ...sockets, ...streams])
  return read
}

/** Opens a window, and returns its text if it can be read. */
globalThis.readWindow = async (url) => {
  const opened = window.open(url)
  await new Promise((resolve) => {
    const timer = setInterval(() => {
      try {
        if (opened.document.URL === 'about:blank') return
      } catch {}
      clearInterval(timer)
      resolve()
    }, 10)
  })
  try {
    return opened.document.body.textContent
  } catch {
    return 'not readable'
  }
}

/** The actions of a page of the lab itself. */
globalThis.useLab = async () => {
  const headers = { 'Content-Type': 'application/json' }
  const { status } = await fetch('/api/v1/newsgroups', { method: 'POST', body: '{"name":"lab.own"}', headers })
  const messages = await (await fetch('/api/v1/messages')).text()
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/mailpit/api/events`)
  const opened = await new Promise((resolve) => {
    socket.addEventListener('open', () => resolve(true))
    socket.addEventListener('error', () => resolve(false))
  })
  return { status, messages, opened }
}
