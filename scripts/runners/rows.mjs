const JEST = 'node_modules/jest/bin/jest.js'
const SWC = ['@swc/core@1', '@swc/jest@0.2']
const BABEL = ['@babel/core@7', '@babel/preset-env@7']

/** Programs that judge the packed package itself: its entry points and their types. vitest can only be imported. */
export const judges = [
  { name: 'publint', args: ['publint@0.3', 'run', '--strict'] },
  {
    name: 'Are the types wrong',
    args: ['@arethetypeswrong/cli@0.18', '--exclude-entrypoints', 'vitest', 'vitest-setup', '--'],
  },
]

/**
 * The runners, each with an example of `examples/runners/`, and the types of the packed package.
 * - `from`: another folder of projects
 * - `packages`: installed beside Sealpost
 * - `args`: the command, for Node.js
 * - `minNode`: the runner's own lowest version
 * - `isOnce`: the version of Node.js makes no difference
 * - `isShort`: part of the short form
 */
export const rows = [
  ...['5.4', '5.9', '7'].map((version) => ({
    name: `TypeScript ${version}`,
    from: 'test/release',
    project: 'types',
    packages: [`typescript@${version}`, 'jest@30', '@types/jest@30', '@types/node@20', '@playwright/test@1', 'pino'],
    args: ['node_modules/typescript/bin/tsc'],
    isOnce: true,
    isShort: version === '5.4',
  })),
  // Also without the optional peers, in every way to resolve modules.
  ...['5.4', '5.5', '5.6', '5.7', '5.8', '5.9', '6', '7'].map((version) => ({
    name: `TypeScript ${version} without peers`,
    from: 'test/release',
    project: 'types-alone',
    packages: [`typescript@${version}`, '@types/node@20'],
    args: ['check.mjs'],
    isOnce: true,
    isShort: version === '7',
  })),
  { name: 'vitest 3', project: 'vitest', packages: ['vitest@3'], args: ['node_modules/vitest/vitest.mjs', 'run'] },
  { name: 'vitest 4', project: 'vitest', packages: ['vitest@4'], args: ['node_modules/vitest/vitest.mjs', 'run'] },
  {
    name: 'vitest 5',
    project: 'vitest',
    packages: ['vitest@5'],
    args: ['node_modules/vitest/vitest.mjs', 'run'],
    minNode: [22, 12],
  },
  ...[29, 30].flatMap((version) => {
    const isShort = version === 30
    const jest = [`jest@${version}`]
    return [
      { name: `Jest ${version}, CommonJS`, project: 'jest-commonjs', packages: jest, args: [JEST], isShort },
      {
        name: `Jest ${version}, ES modules`,
        project: 'jest-modules',
        packages: jest,
        args: ['--experimental-vm-modules', JEST],
        isShort,
      },
      { name: `Jest ${version}, babel`, project: 'jest-babel', packages: [...jest, ...BABEL], args: [JEST] },
      { name: `Jest ${version}, swc`, project: 'jest-swc', packages: [...jest, ...SWC], args: [JEST] },
      ...['5.4', '5.9'].map((typescript) => ({
        name: `Jest ${version}, ts-jest, TypeScript ${typescript}`,
        project: 'ts-jest',
        packages: [...jest, 'ts-jest@29', `typescript@${typescript}`, `@types/jest@${version}`, '@types/node@20'],
        args: [JEST],
        isShort: isShort && typescript === '5.9',
      })),
    ]
  }),
  ...[11, 12].map((version) => ({
    name: `mocha ${version}`,
    project: 'mocha',
    packages: [`mocha@${version}`],
    args: ['node_modules/mocha/bin/mocha.js'],
    isShort: version === 11,
  })),
  { name: 'node:test', project: 'node-test', packages: [], args: ['--test'], isShort: true },
  {
    name: 'Playwright test',
    project: 'playwright',
    packages: ['@playwright/test@1'],
    args: ['node_modules/@playwright/test/cli.js', 'test'],
    isShort: true,
  },
]
