/**
 * What is mutated, and the tests that are to notice it: the rooms where a wrong line opens something or loses a secret.
 *
 * @type {Record<string, {mutate: string[], tests: string[]}>}
 */
export const ROOMS = {
  policy: {
    // With what an address is: which domain of an application covers it.
    mutate: ['src/lib/policy/**/*.ts', 'src/lib/core/{public-address,normalise-url}.ts'],
    tests: ['test/policy/**/*.test.ts', 'test/core/normalise-url.test.ts'],
  },
  target: {mutate: ['src/lib/tunnel/target/**/*.ts'], tests: ['test/tunnel/target/**/*.test.ts']},
  explain: {mutate: ['src/lib/access/explain/**/*.ts'], tests: ['test/access/explain/**/*.test.ts']},
  journal: {
    mutate: ['src/lib/secrets/journal/**/*.ts'],
    tests: ['test/secrets/journal.test.ts'],
  },
  edit: {
    mutate: ['src/lib/access/edit/**/*.ts'],
    // Those without a server: the others take minutes for each round.
    tests: [
      'test/access/edit/{application,apply,change,describe,object,plan-again,records,step,undo}.test.ts',
    ],
  },
}
