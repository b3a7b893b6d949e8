import { homedir } from 'node:os'
import { join } from 'node:path'

/** Returns the home folder of the user; `/`, as containers have it, for a user without one. */
export function homeFolder(): string {
  try {
    return homedir()
  } catch {
    return '/'
  }
}

/** Returns the folder for data of the user. https://specifications.freedesktop.org/basedir/latest/ */
export const userDataFolder = (): string => process.env.XDG_DATA_HOME || join(homeFolder(), '.local/share')
