/**
 * The arrows between the rooms, as docs/architecture.md draws them. Each room lists what it may import;
 * whatever is not listed is an error. A file that must break one changes that page first.
 */
const rooms = {
  core: [],
  system: ['core'],
  network: ['core'],
  config: [
    'core',
    'system',
    'secrets/stores.ts',
    'secrets/helper/find-helpers.ts',
    'secrets/env/environment-pair.ts',
  ],
  api: ['core', 'network'],
  policy: ['core', 'api/types.ts'],
  report: ['core'],
  secrets: ['core', 'system'],
  completion: ['core', 'system', 'config', 'secrets/stores.ts', 'secrets/index-files.ts'],
  access: [
    'core',
    'system',
    'config',
    'api',
    'secrets',
    'policy',
    'report/types.ts',
    'report/changes.ts',
    'tunnel/types.ts',
    'tunnel/failure/refusal.ts',
  ],
  tunnel: ['core', 'system', 'network', 'config', 'secrets'],
  setup: ['core', 'system', 'config', 'access', 'tunnel', 'api/types.ts', 'secrets/types.ts'],
  doctor: [
    'core',
    'system',
    'network',
    'config',
    'completion',
    'secrets',
    'api',
    'policy',
    'access',
    'tunnel',
  ],
  sandbox: ['core', 'system', 'network', 'policy', 'api/types.ts', 'api/convert.ts'],
  cli: ['core', 'system', 'config', 'completion/types.ts'],
  command: [
    'core',
    'config',
    'cli',
    'access',
    'completion',
    'report/types.ts',
    'api/operations.ts',
    'api/types.ts',
    'secrets/types.ts',
    'secrets/stores.ts',
    'secrets/copied/pair.ts',
    'tunnel/types.ts',
    'tunnel/failure/refusal.ts',
    'tunnel/target/target.ts',
    'setup/types.ts',
    'doctor/types.ts',
  ],
}

const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: {path: from},
  to: {
    path: '^src/',
    pathNot: allowed.map(
      (room) => `^src/lib/${room.replaceAll('.', '\\.')}${room.endsWith('.ts') ? '$' : '/'}`,
    ),
  },
})

module.exports = {
  forbidden: [
    ...Object.entries(rooms).map(([room, allowed]) =>
      only(`${room}-imports-only-its-neighbours`, `^src/lib/${room}/`, [...allowed, room]),
    ),
    only('commands-see-no-sdk-and-no-keychain', '^src/commands/', [
      'core',
      'system',
      'command',
      'cli',
      'completion',
      'config',
      'access',
      'report',
      'setup',
      'doctor',
      'tunnel',
      'sandbox',
    ]),
    {
      name: 'only-api-knows-the-sdk',
      severity: 'error',
      from: {path: '^src/', pathNot: '^src/lib/api/'},
      to: {path: 'node_modules/cloudflare/'},
    },
    {
      name: 'only-secrets-knows-the-keychain',
      severity: 'error',
      from: {path: '^src/', pathNot: '^src/lib/secrets/'},
      to: {path: 'node_modules/(keytar|@github/keytar|age-encryption)/'},
    },
    {
      name: 'the-proxy-and-the-completer-load-no-framework',
      severity: 'error',
      from: {path: '^src/lib/(tunnel|completion)/'},
      to: {path: 'node_modules/(@oclif|cloudflare|@inquirer|chalk)/', reachable: true},
    },
    {name: 'no-cycles', severity: 'error', from: {}, to: {circular: true}},
  ],
  options: {
    doNotFollow: {path: 'node_modules'},
    tsPreCompilationDeps: true,
    tsConfig: {fileName: 'tsconfig.json'},
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
}
