/** Path of the console, with a slash at the end: `/`, `/lab/`, `/t/TENANT/`. The server sets the base of the document. */
export const base: string = new URL('.', document.baseURI).pathname

/** Returns the URL of something below the base, such as `api/v1/status`. */
export const urlOf = (path: string): string => base + path
