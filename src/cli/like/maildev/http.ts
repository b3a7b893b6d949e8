import { limitConsole } from '../console-users.ts'
import { appliedBy, port, setting, switchSetting, webAddress, webPath } from '../rows.ts'
import type { Setting } from '../tool.ts'
import { useFiles } from './files.ts'

export const httpSettings: readonly Setting[] = [
  port('MAILDEV_WEB_PORT --web -w', 'http'),
  webAddress('MAILDEV_WEB_IP --web-ip'),
  setting(
    'MAILDEV_WEB_USER --web-user',
    '`directory.accounts`, `like.users` and `access.administrators`',
    ({ draft, value, other, origin }) => {
      const password = other('MAILDEV_WEB_PASS')
      if (password === undefined) throw new Error('needs MAILDEV_WEB_PASS too')
      limitConsole(draft, [{ user: value, password }], origin)
    },
  ),
  ...appliedBy(['MAILDEV_WEB_USER'], 'MAILDEV_WEB_PASS --web-pass'),
  webPath('MAILDEV_BASE_PATHNAME --base-pathname'),
  setting('MAILDEV_HTTPS --https!', '`certificate` of the HTTP virtual server, whose port takes TLS only', (call) =>
    useFiles(call, 'http', 'MAILDEV_HTTPS'),
  ),
  ...appliedBy(['MAILDEV_HTTPS'], 'MAILDEV_HTTPS_CERT --https-cert', 'MAILDEV_HTTPS_KEY --https-key'),
  // After the others, which need the virtual server.
  switchSetting('MAILDEV_DISABLE_WEB --disable-web!', 'no HTTP virtual server', (draft) => {
    draft.servers.delete('http')
  }),
]
