import type { NntpPersonality } from '../types.ts'

const SERVICE = 'NNTP Service 6.0.3790.3959 Version: 6.0.3790.3959'

export const nntp: NntpPersonality = {
  mechanisms: ['NTLM'],
  announcesStartTls: false,
  welcome: ({ canPost }) => (canPost ? `200 ${SERVICE} Posting Allowed` : `201 ${SERVICE} Posting Not Allowed`),
  // Capabilities came with RFC 3977, after this server.
  unknown: ['CAPABILITIES', 'OVER', 'HDR', 'COMPRESS'],
  controlGroups: ['cancel', 'newgroup', 'rmgroup'],
  busy: '502 Connection Refused',
  replies: {
    480: '480 Logon Required',
    500: '500 Command Not Recognized',
    501: '501 Command Syntax Error',
    'QUIT 205': '205 closing connection - goodbye!',
    'LIST ACTIVE 215': '215 list of newsgroups follow',
    'NEWGROUPS 231': '231 list of new newsgroups follow',
    'XOVER 224': '224 data follows',
    'XHDR 221': '221 data follows',
    'POST 340': '340 Continue posting - terminate with period',
    'POST 240': '240 Article Posted OK',
    'AUTHINFO USER 381': '381 Waiting for password',
    'AUTHINFO PASS 281': '281 Authentication ok',
    'AUTHINFO GENERIC 281': ({ text }) => (text.startsWith('Authenticated') ? '281 Authentication ok' : undefined),
    'AUTHINFO GENERIC 502': '502 Permission denied',
    481: '502 Access Denied.',
    411: '411 no such newsgroup',
    412: '412 no newsgroup has been selected',
    420: '420 no current article has been selected',
    423: '423 no such article number in this group',
    430: '430 no such article found',
    440: '440 posting not allowed',
  },
}
