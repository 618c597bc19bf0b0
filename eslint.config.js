import regexp from 'eslint-plugin-regexp'
import tseslint from 'typescript-eslint'

export default tseslint.config(
  {ignores: ['dist/**', 'coverage/**', 'node_modules/**']},
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
      // Only the presenter and the wire write to the terminal.
      'no-console': 'error',
      eqeqeq: ['error', 'always', {null: 'ignore'}],
    },
  },
  {
    // No test's outcome depends on how fast the machine is: what takes how long is bench/'s.
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
          message: 'Tests share one limit, which only what hangs reaches (test/support/patience.ts).',
        },
      ],
    },
  },
  {
    // Text from outside meets them: one that looks at a text again for each of its characters stops on a long one.
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
