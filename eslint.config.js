import regexp from 'eslint-plugin-regexp'
import tseslint from 'typescript-eslint'

/** The only files that write to a terminal, and those that wrap or read another stream. */
const SINKS = [
  'src/lib/cli/{streams,styled,prompts,stopped,progress}.ts',
  // These watch the stream, or pass it to a child.
  'src/lib/cli/main.ts',
  'src/commands/curl.ts',
  'src/lib/system/crash.ts',
  // The proxy prints its own text with `say`; its stdout is the connection.
  'src/lib/tunnel/{proxy/main,ssh/stderr}.ts',
  'src/lib/completion/complete-main.ts',
  // This child process answers its parent.
  'src/lib/secrets/keychain/child.ts',
]
const AROUND_THE_SINKS = [
  {
    selector:
      'MemberExpression[object.name="process"][property.name=/^std(out|err)$/]:not(MemberExpression[property.name="isTTY"] > *)',
    message: 'Text goes through src/lib/cli/streams.ts, which makes foreign text visible.',
  },
  {
    selector: 'CallExpression[callee.property.name=/^write(File)?Sync$/][arguments.0.value=/^[12]$/]',
    message: 'Text goes through src/lib/cli/streams.ts, which makes foreign text visible.',
  },
  {
    selector:
      'ImportDeclaration[source.value=/^(chalk|ansi-styles|yoctocolors)$/], ImportSpecifier[imported.name="styleText"]',
    message: 'Colours come from src/lib/cli/streams.ts, because foreign text can imitate chalk.',
  },
  {
    selector: ':matches(Literal[value=/\\u001B/], TemplateElement[value.cooked=/\\u001B/])',
    message: 'Control sequences are made in src/lib/cli/styled.ts.',
  },
]

/** In a locale without UTF-8, zt's own words are ASCII: whatever else it prints is a sign of that table. */
const ONLY_ASCII = [
  {
    selector:
      ':matches(Literal[raw=/^[^\u002f].*[^\\x00-\\x7f]/], TemplateElement[value.raw=/[^\\x00-\\x7f]/])',
    message:
      'Signs outside ASCII come from src/lib/cli/signs.ts, which has another for a locale without UTF-8.',
  },
]
/** On Windows such a path is one of the current drive, where anyone may have put anything. */
const POSIX =
  '(bin|boot|dev|etc|home|lib|lib64|media|mnt|nix|opt|private|proc|root|run|sbin|snap|srv|sys|tmp|usr|var|Applications|Library|System|Users|Volumes)'
const POSIX_PATHS = [
  ...[
    `Literal[value=/^(\\u002f${POSIX})(\\u002f|$)/]`,
    `TemplateLiteral:has(> TemplateElement:first-child[value.raw=/^\\u002f${POSIX}(\\u002f|$)/])`,
  ].map((path) => ({
    selector: `${path}:not(CallExpression[callee.name="posixPath"] > *)`,
    message: 'A path of a POSIX system is written posixPath(PATH) (src/lib/core/posix-path.ts).',
  })),
  {
    selector: `Literal[regex.pattern=/\\\\\\u002f\\(?${POSIX}\\b/]`,
    message: 'A path of a POSIX system is written posixPath(PATH) (src/lib/core/posix-path.ts).',
  },
]
/** Requests about each object of a list, which an account may have thousands of. */
const EACH = [
  ...[
    // Directly: api.getPolicy(id); through a function: readObject(api, target).
    'CallExpression[callee.object.name=/^(api|zone|inZone|scene)$/]:not([callee.property.name=/^(clockAhead|inZone|expecting|foresee|rename|renamed)$/])',
    'CallExpression:has(> Identifier.arguments[name="api"])',
    'CallExpression:has(> MemberExpression.arguments[property.name="api"])',
    'CallExpression[callee.object.property.name="api"]:not([callee.property.name="clockAhead"])',
  ].flatMap((request) => [
    `ForOfStatement > .body ${request}`,
    `CallExpression[callee.property.name=/^(map|flatMap|forEach|filter|some|every|find)$/] > .arguments ${request}`,
  ]),
].map((selector) => ({
  selector,
  message:
    'A loop of requests goes through src/lib/access/account/ask-each.ts, which announces them: the API allows 1200 in five minutes.',
}))
/** What is not read on a terminal: the page of a report, and what Cloudflare says in the sandbox. */
const NOT_FOR_TERMINALS = ['src/lib/{report,sandbox}/**/*.ts']

export default tseslint.config(
  {ignores: ['dist/**', 'dist-site/**', 'coverage/**', 'node_modules/**']},
  {
    files: ['src/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts', '*.config.ts'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: {parserOptions: {projectService: true, tsconfigRootDir: import.meta.dirname}},
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', {disallowTypeAnnotations: false}],
      // Functions of node:path and resolve callbacks do not use `this`.
      '@typescript-eslint/unbound-method': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', {argsIgnorePattern: '^_', varsIgnorePattern: '^_'}],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true}],
      'no-console': 'error',
      eqeqeq: ['error', 'always', {null: 'ignore'}],
    },
  },
  {
    // No test's outcome depends on how fast the machine is; bench/ measures time.
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...['performance', 'process'].map((object) => ({
          selector: `CallExpression[callee.object.name="${object}"][callee.property.name=/^(now|hrtime|uptime)$/]`,
          message: 'Assert what happened, not how long it took (test/support/patience.ts).',
        })),
        {
          selector:
            'CallExpression[callee.property.name=/^toBeLess/] CallExpression[callee.object.name="Date"][callee.property.name="now"]',
          message: 'Assert what happened, not how long it took (test/support/patience.ts).',
        },
        {
          selector:
            'CallExpression[callee.object.callee.name="expect"] BinaryExpression[operator="-"] CallExpression[callee.object.name="Date"][callee.property.name="now"]',
          message: 'Assert what happened, not how long it took (test/support/patience.ts).',
        },
        {
          selector: 'CallExpression[callee.name=/^(it|test|describe)$/][arguments.2.type="Literal"]',
          message: 'Tests share one limit, which only a hanging test reaches (test/support/patience.ts).',
        },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/lib/cli/signs.ts'],
    rules: {'no-restricted-syntax': ['error', ...EACH, ...ONLY_ASCII, ...POSIX_PATHS]},
  },
  {
    // Text reaches a terminal only through the sinks, which make foreign text visible (docs/explanation/security.md).
    files: ['src/**/*.ts'],
    ignores: [...SINKS, 'src/lib/cli/signs.ts'],
    rules: {'no-restricted-syntax': ['error', ...EACH, ...AROUND_THE_SINKS, ...ONLY_ASCII, ...POSIX_PATHS]},
  },
  {
    files: NOT_FOR_TERMINALS,
    rules: {'no-restricted-syntax': ['error', ...AROUND_THE_SINKS, ...POSIX_PATHS]},
  },
  {
    // No call on files forgets that Windows refuses it while a scanner holds the file; none that starts a program throws.
    files: ['src/**/*.ts'],
    // The network room opens nothing but a list in /proc.
    ignores: ['src/lib/system/{disk,start-program}.ts', 'src/lib/network/tcp-peer.ts'],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            ...['node:fs', 'node:fs/promises', 'fs', 'fs/promises'].map((name) => ({
              name,
              allowTypeImports: true,
              allowImportNames: ['constants'],
              message:
                'Files are opened, renamed and removed by src/lib/system/disk.ts, which waits for scanners.',
            })),
            {
              name: 'node:child_process',
              allowTypeImports: true,
              allowImportNames: ['execFile'],
              message:
                'Programs are started by src/lib/system/start-program.ts: node throws what the event does not have.',
            },
          ],
        },
      ],
    },
  },
  {
    // A command turns flags into options, calls one use-case and hands the result to a presenter.
    files: ['src/commands/**/*.ts'],
    rules: {'max-lines': ['error', {max: 75, skipBlankLines: true, skipComments: true}]},
  },
  {
    // Code that runs before zt's modules prints only its own words.
    files: ['bin/**/*.js', 'bin/**/*.cjs'],
    languageOptions: {globals: {}},
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'CallExpression[callee.object.name="console"] TemplateLiteral > :not(Identifier[name="code"], TemplateElement)',
          message: 'Only a checked code may be printed here.',
        },
      ],
    },
  },
  {
    // They match foreign text: one that rescans a text for each of its characters hangs on a long one.
    files: ['src/**/*.ts', 'bin/**/*.{cjs,js}', 'executable/**/*.{cjs,js,mjs}'],
    plugins: {regexp},
    rules: {
      'regexp/no-super-linear-backtracking': ['error', {report: 'potential'}],
      'regexp/no-super-linear-move': ['error', {report: 'potential', ignorePartial: false}],
    },
  },
  {
    // A use-case neither exits nor reads the environment (docs/architecture.md).
    files: ['src/lib/{core,api,access,policy}/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        {object: 'process', property: 'env'},
        {object: 'process', property: 'exit'},
      ],
    },
  },
)
