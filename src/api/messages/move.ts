import type { Folder } from '../../store/types.ts'
import type { Api } from '../api.ts'
import { type Caller, seesFolder } from '../caller.ts'
import { ApiProblem } from '../problem.ts'
import type { IndexedMessage } from './message-index.ts'

/** Returns the folder with a name that has the same owner as a message. @throws ApiProblem `not-found` with their names */
export async function folderNamed(
  { api, caller }: { readonly api: Api; readonly caller: Caller },
  { folder }: IndexedMessage,
  name: string,
): Promise<Folder> {
  const found = await api.lab.store.findFolder(folder.owner, name)
  if (found && seesFolder(caller, found)) return found
  const folders = (await api.lab.store.listFolders(folder.owner)).filter((one) => seesFolder(caller, one))
  throw new ApiProblem(
    'not-found',
    `there is no folder ${name}; there are: ${folders.map((one) => one.name).join(', ')}`,
  )
}
