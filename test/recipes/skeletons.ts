import { fileURLToPath } from 'node:url'

/** The command that creates a project from the files of the framework's own generator, with Debian's PHPUnit and libraries. */
export const copyOfSkeleton = (framework: string): string =>
  `cp -r '${fileURLToPath(new URL(`skeletons/${framework}`, import.meta.url))}/.' .\n${PHPUNIT}`

/** The command that puts Debian's PHPUnit where Composer would have put it. */
export const PHPUNIT = 'mkdir -p vendor/bin && ln -s /usr/bin/phpunit vendor/bin/phpunit'
