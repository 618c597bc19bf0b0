import fs from 'node:fs'
import path from 'node:path'

const OCLIF = /[\\/]node_modules[\\/]@oclif[\\/]core[\\/]lib[\\/].*\.js$/
/** What oclif needs only without a manifest, for templates and for its own spinner. */
export const seldom = ['cli-spinners', 'ejs', 'lilconfig', 'minimatch', 'tinyglobby']

/** A line of tsc's CommonJS that loads another module at once. */
const REQUIRE = /^(?:const|var) (\w+) = ((?:(?:__importDefault|__importStar)\()?require\("[^"]+"\)\)?);$/gm

/**
 * What is replaced in one file each: `[file, what it does, text, replacement]`. The build fails if the text is not there.
 * Processor time saved at each start (docs/dependencies.md): 6 ms by the order of commands, 8 ms by the segmenter.
 */
const EDITS = [
  // Loading the locale takes longer than sorting.
  [
    '@oclif/core/lib/config/plugin.js',
    'sorts its commands',
    'a.id.localeCompare(b.id)',
    '(a.id < b.id ? -1 : a.id > b.id ? 1 : 0)',
  ],
  // The single executable holds the manifest; there is no file.
  [
    '@oclif/core/lib/config/plugin.js',
    'reads its manifest',
    'await (0, fs_1.readJson)(p)',
    "globalThis[Symbol.for('zt.manifest')] ?? (await (0, fs_1.readJson)(p))",
  ],
  // In a container the user may have no name, and then these throw. oclif shows the shell only in its own version details.
  [
    '@oclif/core/lib/util/os.js',
    'asks for the home directory',
    'return (0, node_os_1.homedir)();',
    "try { return (0, node_os_1.homedir)(); } catch { return ''; }",
  ],
  [
    '@oclif/core/lib/config/config.js',
    'asks for the shell',
    'this.shell = await (0, os_1.getShell)();',
    "this.shell = 'unknown';",
  ],
  [
    'clean-stack/index.js',
    'asks for the home directory',
    "const homeDir = typeof os.homedir === 'undefined' ? '' : os.homedir();",
    "const homeDir = '';",
  ],
  // Made when the first wide character is measured.
  [
    'string-width/index.js',
    'makes its segmenter',
    'const segmenter = new Intl.Segmenter();',
    'let segmenter;',
  ],
  [
    'string-width/index.js',
    'uses its segmenter',
    'segmenter.segment(',
    '(segmenter ??= new Intl.Segmenter()).segment(',
  ],
]

/**
 * Makes oclif load what a run uses, and no more: its modules require one another when they start, and its index requires
 * all of them, semver to check node's version included. An esbuild plugin.
 *
 * - `@oclif/core` in our sources is an index of the three modules that commands are made of (saves 8 ms, 110 KB).
 * - A module of oclif's is loaded when something of it is first used (saves 15 ms).
 * - {@link EDITS}
 */
export const leanOclif = {
  name: 'lean-oclif',
  setup({onResolve, onLoad, onEnd}) {
    let modules = 0
    let late = 0
    onResolve({filter: /^@oclif\/core$/}, ({importer}) =>
      importer.includes(`${path.sep}node_modules${path.sep}`)
        ? undefined
        : {path: 'index', namespace: 'oclif'},
    )
    onLoad({filter: /.*/, namespace: 'oclif'}, () => ({
      resolveDir: process.cwd(),
      contents: [
        "export * as Args from '@oclif/core/args'",
        "export * as Flags from '@oclif/core/flags'",
        "export {Command} from '@oclif/core/command'",
        "export {run} from '@oclif/core/run'",
      ].join('\n'),
    }))
    onLoad({filter: /[\\/]node_modules[\\/]string-width[\\/]index\.js$/}, ({path: file}) =>
      // oclif and what it uses have older ones of their own.
      file.split('node_modules').length > 2 ? undefined : {contents: edited(file), loader: 'js'},
    )
    onLoad({filter: /[\\/]node_modules[\\/]clean-stack[\\/]index\.js$/}, ({path: file}) => ({
      contents: edited(file),
      loader: 'js',
    }))
    onLoad({filter: OCLIF}, ({path: file}) => {
      const text = edited(file)
      const contents = text.replaceAll(REQUIRE, 'const $1 = zt$$lazy(() => $2);')
      modules++
      if (contents !== text) late++
      return {contents: contents === text ? text : LAZY + contents, loader: 'js'}
    })
    onEnd(() => {
      if (modules > 0 && late < modules / 2)
        throw new Error(
          'oclif has changed: most of its modules no longer load others by `const x = require("…");`',
        )
    })
  },
}

/** A file with its {@link EDITS}. */
function edited(file) {
  const place = file.replaceAll(path.sep, '/')
  return EDITS.filter(([of]) => place.endsWith(`node_modules/${of}`)).reduce(
    (text, [of, what, from, to]) => {
      if (!text.includes(from))
        throw new Error(`${of} has changed: it ${what} in another way (scripts/lean-oclif.mjs)`)
      return text.replaceAll(from, to)
    },
    fs.readFileSync(file, 'utf8'),
  )
}

/** For the file of licences. */
export const changesOfOclif = {
  '@oclif/core':
    'its modules load one another late; commands are sorted without the locale; the manifest may come from memory; the user needs no name',
  'clean-stack': 'does not shorten the home directory',
  'string-width': 'its segmenter is made late',
}

/** In place of a module, which it loads at the first access. */
const LAZY = `function zt$lazy(load) {
  let loaded
  const of = () => (loaded ??= load())
  return new Proxy(function () {}, {
    get: (_, name) => of()[name],
    has: (_, name) => name in of(),
    apply: (_, self, args) => Reflect.apply(of(), self, args),
    construct: (_, args) => Reflect.construct(of(), args),
  })
}
`
