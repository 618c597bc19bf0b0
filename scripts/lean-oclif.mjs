import fs from 'node:fs'
import path from 'node:path'

const OCLIF = /[\\/]node_modules[\\/]@oclif[\\/]core[\\/]lib[\\/].*\.js$/
/** What oclif wants only where there is no manifest, for templates and for a spinner that is not ours. */
export const seldom = ['cli-spinners', 'ejs', 'lilconfig', 'minimatch', 'tinyglobby']
const SEGMENTER = 'const segmenter = new Intl.Segmenter();'

const BY_LOCALE = 'a.id.localeCompare(b.id)'
const OUTPUT_FAILS = "process.stdout.on('error', (err) => {"
const THEME = 'this.theme = await this.loadTheme();'
const MANIFEST = 'await (0, fs_1.readJson)(p)'

/** A line of tsc's CommonJS that loads another module at once. */
const REQUIRE = /^(?:const|var) (\w+) = ((?:(?:__importDefault|__importStar)\()?require\("[^"]+"\)\)?);$/gm

/**
 * Makes oclif load what a run uses, and no more: its modules require one another at their start, and its index all of
 * them, a check of node's version by the whole of semver included. An esbuild plugin.
 *
 * - `@oclif/core` of our sources is an index of the three modules that commands are made of.
 * - A module of oclif's that another one wants is loaded when something of it is first asked for.
 * - Commands are sorted without the locale, which takes 7 ms to load.
 * - What fails on stdout is not thrown amid a command's work: cli/main.ts looks at it.
 * - Colours are our own: no theme.json is read from the configuration directory, whatever is in its place.
 * - The manifest is what the single executable holds, where there is one.
 * - The measuring of wide characters, for tables and errors, makes its segmenter (8 ms) when there is one to measure.
 */
export const leanOclif = {
  name: 'lean-oclif',
  setup({onResolve, onLoad}) {
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
    onLoad({filter: /[\\/]node_modules[\\/]string-width[\\/]index\.js$/}, ({path: file}) => {
      // oclif and what it uses have older ones of their own.
      if (file.split('node_modules').length > 2) return undefined
      const text = fs.readFileSync(file, 'utf8')
      if (!text.includes(SEGMENTER))
        throw new Error('string-width has changed: its segmenter is made elsewhere')
      const contents = text
        .replace(SEGMENTER, 'let segmenter;')
        .replaceAll('segmenter.segment(', '(segmenter ??= new Intl.Segmenter()).segment(')
      return {contents, loader: 'js'}
    })
    onLoad({filter: OCLIF}, ({path: file}) => {
      const text = fs.readFileSync(file, 'utf8')
      let contents = text.replaceAll(REQUIRE, 'const $1 = zt$$lazy(() => $2);')
      if (contents !== text) contents = LAZY + contents
      if (file.endsWith(path.join('config', 'plugin.js'))) {
        if (!contents.includes(BY_LOCALE))
          throw new Error('oclif has changed: it sorts its commands elsewhere')
        if (!contents.includes(MANIFEST))
          throw new Error('oclif has changed: it reads its manifest elsewhere')
        contents = contents
          .replace(BY_LOCALE, '(a.id < b.id ? -1 : a.id > b.id ? 1 : 0)')
          .replace(MANIFEST, `globalThis[Symbol.for('zt.manifest')] ?? (${MANIFEST})`)
      }
      if (file.endsWith(path.join('config', 'config.js'))) {
        if (!contents.includes(THEME)) throw new Error('oclif has changed: it reads its theme elsewhere')
        contents = contents.replace(THEME, '')
      }
      if (file.endsWith(path.join('lib', 'command.js'))) {
        if (!contents.includes(OUTPUT_FAILS))
          throw new Error('oclif has changed: it looks for what fails on stdout elsewhere')
        contents = contents.replace(OUTPUT_FAILS, 'void ((err) => {')
      }
      return {contents, loader: 'js'}
    })
  },
}

/** For the file of licences. */
export const changesOfOclif = {
  '@oclif/core':
    'its modules load one another late; commands are sorted without the locale; it throws nothing that fails on stdout; it reads no theme',
  'string-width': 'it makes its segmenter late',
}

/** Looks like the module, which is loaded at the first look. */
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
