import { readPackageFile } from '../files/package-files.ts'

/** The version of Sealpost. */
export const version: string = (JSON.parse(`${readPackageFile('package.json')}`) as { version: string }).version
