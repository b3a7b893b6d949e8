import { type Command, Option } from 'commander'
import { signingAlgorithms } from '../oauth2/algorithms.ts'
import { tokenDefects } from '../oauth2/defects.ts'
import { type ApiOptions, callApi, withApi } from './api-client.ts'
import { print } from './output.ts'

interface TokenOptions extends ApiOptions {
  readonly user: string
  readonly scope?: string
  readonly expiresIn?: string
  readonly audience?: string
  readonly clientId?: string
  readonly algorithm?: string
  readonly defect?: string
  readonly json?: boolean
}

/** Adds `sealpost token`. */
export function addToken(program: Command): void {
  withApi(program.command('token'))
    .description('print an access token of the running lab, for XOAUTH2, OAUTHBEARER and the HTTP API')
    .requiredOption('--user <name>', 'the account')
    .option('--scope <scopes>', 'scopes, separated by spaces (default: those of all protocols)')
    .option('--expires-in <time>', 'how long it is valid, such as 5m (default: oauth2.accessTokenLifetime)')
    .option('--audience <audience>', 'audience (default: the audience of the lab)')
    .option('--client-id <id>', 'client (default: sealpost)')
    .addOption(new Option('--algorithm <name>', 'how it is signed (default: RS256)').choices([...signingAlgorithms]))
    .addOption(new Option('--defect <name>', 'what is wrong with it, on purpose').choices([...tokenDefects]))
    .option('--json', 'print JSON')
    .action(run)
}

async function run(options: TokenOptions): Promise<void> {
  const { user, scope, expiresIn, audience, clientId, algorithm, defect } = options
  const input = { user, scope, expiresIn, audience, clientId, algorithm, defect }
  const issued = (await callApi(options, 'accessTokens.create', input)) as { readonly accessToken: string }
  print(options.json ? JSON.stringify(issued) : issued.accessToken)
}
