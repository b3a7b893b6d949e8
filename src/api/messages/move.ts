import type { Folder, Owner } from '../../storage/store/types.ts'
import type { Api } from '../api.ts'
import { type Caller, seesFolder } from '../caller.ts'
import { ApiProblem } from '../problem.ts'

/** Returns the folder of an owner with a name. @throws ApiProblem `not-found` with their names */
export async function folderNamed(
  { api, caller }: { readonly api: Api; readonly caller: Caller },
  owner: Owner,
  name: string,
): Promise<Folder> {
  const found = await api.lab.store.findFolder(owner, name)
  if (found && seesFolder(caller, found)) return found
  const folders = (await api.lab.store.listFolders(owner)).filter((one) => seesFolder(caller, one))
  throw new ApiProblem(
    'not-found',
    `there is no folder ${name}; there are: ${folders.map((one) => one.name).join(', ')}`,
  )
}
