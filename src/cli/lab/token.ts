import { type Command, Option } from 'commander'
import { tokenDefects } from '../../accounts/oauth2/defects.ts'
import { signingAlgorithms } from '../../accounts/oauth2/types.ts'
import type { InputOf } from '../../api/operation-types.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { print } from '../shared/output.ts'

type TokenOptions = ApiOptions & InputOf<'accessTokens.create'>

/** Adds `sealpost token`. */
export function addToken(program: Command): void {
  withApi(program.command('token'))
    .description('issue and print an access token, for log-ons by XOAUTH2, OAUTHBEARER and over HTTP')
    .requiredOption('--user <name>', 'account that the token is for')
    .option('--scope <scopes>', 'scopes, separated by spaces (default: the scopes of all protocols)')
    .option('--expires-in <time>', 'how long the token is valid, such as 5m (default: oauth2.accessTokenLifetime)')
    .option('--audience <audience>', 'service that the token is for (default: the audience of the lab)')
    .option('--client-id <id>', 'client that the token is issued to (default: sealpost)')
    .addOption(new Option('--algorithm <name>', 'signature algorithm (default: RS256)').choices([...signingAlgorithms]))
    .addOption(
      new Option('--defect <name>', 'issue a token with this defect, which the lab refuses').choices([...tokenDefects]),
    )
    .option('--json', 'print JSON')
    .action(run)
}

async function run(options: TokenOptions): Promise<void> {
  const { user, scope, expiresIn, audience, clientId, algorithm, defect } = options
  const input = { user, scope, expiresIn, audience, clientId, algorithm, defect }
  const issued = await callApi(options, 'accessTokens.create', input)
  print(options.json ? JSON.stringify(issued) : issued.accessToken)
}
