// Which test files run where. A file that is in neither list runs in `npm test`. There, it leaves out the tests with
// `isThorough` and takes a part of the tables with `some` (test/support/thorough.ts).
//   npm test            everything but the tests that drive other programs and SLOW
//   npm run test:slow   npm test and SLOW, with all tests and rows. The workflow of each push runs it
//   npm run test:long   the longer forms, and the tests that drive other programs, except LONGEST. The workflow of each push
//                       runs it, and .ci/run
//   .ci/run             npm test, SLOW without LONGEST but with SHORT_IN_CI, and test:long. No file runs in two of them
//   npm run test:all    everything in its long form. The workflow of each week runs it

const below = (folder, ...names) => names.map((name) => `test/${folder}/${name}.test.ts`)

/** Drive programs that others wrote. */
export const OTHER_PROGRAMS = ['**/*.interop.test.ts', 'test/clients/**']

/** Files that need more than two seconds of a processor for what seldom breaks, and whose subject other files test as well. */
export const SLOW = [
  // Processes that are killed, disks that fail or fill up.
  ...below('transport/outgoing', 'crash'),
  ...below('tls/pki', 'durability'),
  ...below('storage/store', 'crash', 'faults', 'full-disk'),
  // Dozens of processes of Sealpost, of vitest or of openssl.
  ...below(
    'cli',
    'acme-account',
    'ca-new-key',
    'ca-refusals',
    'ca-trusted',
    'check-certificates',
    'compiled-code',
    'examples',
    'idle-memory',
    'like/greenmail',
    'like/greenmail-suites',
    'outside-clients',
    'package',
  ),
  ...below('docs', 'base-image', 'printed-code'),
  ...below('lint', 'layering', 'licences'),
  ...below('storage/cluster', 'own-writes', 'two-nodes'),
  ...below('storage/store', 'all-mail-nodes', 'full'),
  // Several nodes, or the suite of all stores, on PostgreSQL. test/storage/store/lmdb.test.ts and memory.test.ts have the suite.
  ...below('storage/cluster', 'values'),
  ...below('storage/store', 'postgres', 'postgres-nodes', 'postgres-setback'),
  ...below('servers/http/jmap', 'stores'),
  ...below('storage/database', 'password'),
  ...below('storage/upgrades', 'newer', 'released'),
  ...below('tls/negotiation', 'matrix/matrix', 'routing'),
  ...below('tls/pki', 'database-away', 'forge-oracle', 'pkcs12-slices', 'servability/matrix'),
  // Doubles of servers and clients, each with keys and handshakes of its own.
  ...below('checks/audit', 'leaky-client'),
  ...below('checks/verify', 'broken', 'protocol-defects'),
  // Hostile mail in every view and protocol, and messages of many megabytes.
  ...below('hostile', 'permissions', 'stalls', 'views'),
  ...below('mail/smime', 'hostile'),
  ...below('servers/http', 'forgotten', 'hostile'),
  ...below('tls/pki/acme', 'hostile'),
  ...below('examples', 'examples'),
  ...below('testing', 'many', 'shared'),
  ...below('testing/containers', 'testcontainers'),
  // The compiler.
  ...below('servers/http', 'generated-client'),
  ...below('core/config', 'documented-types'),
  // Garbage collection, which needs a process for each file.
  ...below('core', 'abort-after'),
  ...below('lab', 'collected'),
  ...below('testing', 'leak'),
  // Random sequences that are compared with a model, and loads.
  ...below('tls/pki/acme', 'renewal'),
  ...below('accounts/directory', 'password-load'),
  ...below('fuzz', 'operations'),
  ...below('servers/imap4', 'model', 'parser-fuzz', 'pressure', 'stress'),
  ...below('tls/legacy', 'padding'),
  ...below('tls/pki/lifecycle', 'replace-under-load', 'replaced-store'),
  ...below('storage/store', 'postgres-large'),
  // A client in each state of each protocol. test/cli/start.test.ts stops a lab with a few.
  ...below('hostile', 'stop'),
  // A database that crashes, nodes that are killed, and locks that show what a node reads.
  ...below('storage/cluster', 'database', 'health-checks', 'kill'),
  // A package is hidden from a process. test/cli/check-start.test.ts has the messages.
  ...below('servers/http/oauth2', 'missing-package'),
]

/**
 * Files that wait for time limits and programs for more than five seconds beside their work, the longest first. They start
 * before all others.
 */
export const WAITING = [
  ...below('hostile', 'remote-content'),
  ...below('storage/cluster', 'sole-writer', 'cluster'),
  ...below('net/faults', 'end-of-data'),
  ...below('tls/negotiation', 'failures'),
  ...below('hostile', 'logon-limits'),
  ...below('net', 'proxy-protocol'),
  ...below('storage/store', 'disk'),
  ...below('hostile', 'client-limits'),
  ...below('servers/http', 'rfc9112', 'forwarded'),
]

/** Files of SLOW and LONGEST that `.ci/run` runs in their short form. The others of both are left to the weekly workflow. */
export const SHORT_IN_CI = [
  ...below('checks/audit', 'leaky-client'),
  ...below('checks/verify', 'broken', 'protocol-defects'),
  ...below('cli', 'ca-new-key'),
  ...below('servers/imap4', 'parser-fuzz'),
  ...below('storage/cluster', 'two-nodes'),
  ...below('storage/store', 'postgres'),
  ...below('tls/legacy', 'padding'),
  ...below('tls/negotiation', 'matrix/matrix', 'routing'),
]

/** Files whose long form takes longer than all others together, or that need programs that CI does not install. */
export const LONGEST = [
  'test/tls/pki/durability.test.ts',
  'test/tls/negotiation/matrix/matrix.test.ts',
  'test/tls/negotiation/routing.test.ts',
  'test/checks/audit/audit.test.ts',
  'test/checks/audit/leaky-client.test.ts',
  'test/cli/ca-new-key.test.ts',
  'test/examples/examples.test.ts',
  'test/servers/imap4/model.test.ts',
  'test/tls/legacy/fuzz.test.ts',
  'test/tls/legacy/padding.test.ts',
  'test/tls/pki/acme/renewal.test.ts',
  'test/runners/runners.interop.test.ts',
  'test/tls/legacy/interop/scanners.interop.test.ts',
  'test/tls/legacy/bogo/bogo.interop.test.ts',
  'test/tls/legacy/tlsfuzzer/tlsfuzzer.interop.test.ts',
  'test/checks/verify/scanners.interop.test.ts',
  'test/tls/pki/which-certificate/which-certificate.interop.test.ts',
  'test/checks/verify/protocol-defects.test.ts',
  'test/checks/verify/servers.interop.test.ts',
  'test/servers/http/verdicts.interop.test.ts',
  'test/tls/pki/pkcs12.interop.test.ts',
  'test/storage/store/full-disk.test.ts',
  'test/storage/store/faults.test.ts',
  ...['conflicts', 'database', 'full-disk', 'hosts', 'key-secret', 'kill', 'labs', 'paused', 'postgres-support'].map(
    (name) => `test/storage/cluster/${name}.test.ts`,
  ),
  'test/storage/cluster/skew.test.ts',
  'test/storage/cluster/two-nodes.test.ts',
  'test/api/mcp/inspector.interop.test.ts',
  'test/docs/site.interop.test.ts',
  // The commands of these pages, one after another, and what other programs say of the result.
  'test/docs/certificates.interop.test.ts',
  'test/tls/negotiation/judges/judges.interop.test.ts',
  'test/tls/legacy/interop/clients.interop.test.ts',
  'test/cli/trust.interop.test.ts',
  ...['accessibility', 'hostile'].map((name) => `test/console/${name}.interop.test.ts`),
  // Larger counts of what `npm test` does.
  ...['foreign-data', 'jmap/agreement', 'operations'].map((name) => `test/servers/http/${name}.test.ts`),
  'test/servers/imap4/stress.test.ts',
  'test/servers/imap4/parser-fuzz.test.ts',
  'test/tls/pki/lifecycle/replace-under-load.test.ts',
  'test/testing/shared.test.ts',
  'test/testing/many.test.ts',
  'test/checks/verify/broken.test.ts',
  'test/checks/verify/defects.test.ts',
  'test/hostile/values.test.ts',
  'test/transport/outgoing/crash.test.ts',
  ...['crash', 'indexes', 'lmdb', 'memory', 'postgres', 'quota'].map((name) => `test/storage/store/${name}.test.ts`),
  // `npm run test:package` runs it, and so does the workflow of a release.
  'test/release/package.interop.test.ts',
  'test/release/package-managers.interop.test.ts',
  'test/packaging/binary.interop.test.ts',
  'test/packaging/linux.interop.test.ts',
  'test/release/rehearse-npm.interop.test.ts',
  'test/servers/http/maildev-beside.interop.test.ts',
  'test/docker/kubernetes.interop.test.ts',
  'test/docker/rolling-restart.interop.test.ts',
  // npm downloads what these recipes use.
  ...['ci', 'containers', 'cypress', 'javascript', 'outlook-express', 'playwright'].map(
    (name) => `test/recipes/${name}.interop.test.ts`,
  ),
  // These programs are large, so CI does not install them (.ci/debian-packages-more).
  'test/clients/thunderbird-oauth2.test.ts',
  ...['gnus', 'imapsync', 'java-library', 'languages', 'mail-imapclient', 'mail-servers', 'roundcube', 'sylpheed'].map(
    (name) => `test/clients/more/${name}.test.ts`,
  ),
  ...['go', 'java', 'php', 'rails', 'thunderbird', 'wordpress'].map((name) => `test/recipes/${name}.interop.test.ts`),
]
