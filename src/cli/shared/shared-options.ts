import { Option } from 'commander'

/** Options that many commands have. The general help explains them; the help of a command only lists them. */
export const sharedOptions = {
  config: new Option('-c, --config <file>', 'YAML file of the lab (default: config/default.yaml)'),
  like: new Option(
    '--like <tool>',
    'replace mailpit, mailhog, maildev, smtp4dev or greenmail, instead of reading a file',
  ),
  url: new Option(
    '--url <url>',
    'URL of an HTTP virtual server of the lab, also on another machine (default: the running lab of the file)',
  ),
  token: new Option('--token <token>', 'token for --url (default: SEALPOST_TOKEN)'),
  tokenFile: new Option('--token-file <file>', 'file whose first line is the token'),
  json: new Option('--json', 'print JSON'),
} as const

const all: readonly Option[] = Object.values(sharedOptions)

/** Returns whether an option is one of `sharedOptions`. */
export const isShared = (option: Option): boolean => all.includes(option)
