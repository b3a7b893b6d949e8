import { type Command, Option } from 'commander'
import { tokenDefects } from '../../accounts/oauth2/defects.ts'
import { signingAlgorithms } from '../../accounts/oauth2/types.ts'
import type { InputOf } from '../../api/operation-types.ts'
import { type ApiOptions, callApi, withApi } from '../shared/api-client.ts'
import { print } from '../shared/output.ts'
import { sharedOptions } from '../shared/shared-options.ts'

interface AccessTokenOptions extends ApiOptions, Omit<InputOf<'accessTokens.create'>, 'user'> {
  readonly account: string
}

/** Adds `sealpost access-token`. */
export function addAccessToken(program: Command): void {
  withApi(program.command('access-token'))
    .requiredOption('--account <user>', 'account that the token is for')
    .option('--scope <scopes>', 'scopes, separated by spaces (default: the scopes of all protocols)')
    .option('--expires-in <time>', 'how long the token is valid, such as 5m (default: oauth2.accessTokenLifetime)')
    .option('--audience <audience>', 'service that the token is for (default: the audience of the lab)')
    .option('--client-id <id>', 'client that the token is issued to (default: sealpost)')
    .addOption(new Option('--algorithm <name>', 'signature algorithm (default: RS256)').choices([...signingAlgorithms]))
    .addOption(
      new Option('--defect <name>', 'issue a token with this defect, which the lab refuses').choices([...tokenDefects]),
    )
    .addOption(sharedOptions.json)
    .action(run)
}

async function run(options: AccessTokenOptions): Promise<void> {
  const { account: user, scope, expiresIn, audience, clientId, algorithm, defect } = options
  const input = { user, scope, expiresIn, audience, clientId, algorithm, defect }
  const issued = await callApi(options, 'accessTokens.create', input)
  print(options.json ? JSON.stringify(issued) : issued.accessToken)
}
