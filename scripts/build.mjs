// Builds dist/ and the files of generated.mjs (--keep-manifest: dist/ only). --check compares these files with dist/ and
// fails if one is out of date.
import {execFileSync} from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import * as esbuild from 'esbuild'
import {absent} from './absent.mjs'
import {writeBuildFacts} from './build-facts.mjs'
import {writeCompletionWords} from './completion-words.mjs'
import {generatedFiles} from './generated.mjs'
import {changesOfOclif, leanOclif, seldom} from './lean-oclif.mjs'
import {LAZY, lazyBuiltins} from './lazy-builtins.mjs'
import {changesOfSdk, leanSdk} from './lean-sdk.mjs'
import {writeManPages} from './man-pages.mjs'
import {licenceFile, thirdParty} from './third-party.mjs'

const root = path.resolve(import.meta.dirname, '..')
const at = (...parts) => path.join(root, ...parts)

/** Read only where they are used: they are large, and most commands do without. */
const APART = [
  '@inquirer/prompts',
  '@peculiar/x509',
  'age-encryption',
  'd3-scale',
  'd3-shape',
  'graphql',
  'jq-wasm/inline',
  'ssh2',
  'ws',
  'yaml',
  ...seldom,
]
/** Where not all of it is wanted: what takes of it what we use. */
const TAKEN_BY = {
  '@inquirer/prompts': 'src/lib/cli/questions.ts',
  graphql: 'src/lib/sandbox/api/graphql-parts.ts',
}
const apartFile = (name) => `${name.replace('@', '').replace('/', '-')}.cjs`

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'cjs',
  outExtension: {'.js': '.cjs'},
  sourcemap: true,
  sourcesContent: false,
  metafile: true,
  // Native addons stay packages of their own. tsx is for bin/dev.cjs only.
  external: ['keytar', '*.node', 'tsx'],
  plugins: [absent],
  logLevel: 'warning',
}

/** What every build has read and written, for the licences. */
const metafiles = []
const note = (metafile) => void metafiles.push(metafile)

async function build(options) {
  const {metafile} = await esbuild.build(options)
  note(metafile)
  for (const file of Object.keys(metafile.outputs)) if (file.endsWith('.cjs')) lazyBuiltins(at(file))
}

/** For what lies one directory below dist/. */
const ours = {
  ...common,
  banner: {js: `const zt$url=require('node:url').pathToFileURL(__filename).href;${LAZY}`},
  define: {'import.meta.url': 'zt$url'},
  // Dynamically imported modules are bundled into the file that imports them.
  supported: {'dynamic-import': false},
  plugins: [
    {
      name: 'apart',
      setup: ({onResolve}) => {
        const filter = new RegExp(`^(${APART.join('|')})$`)
        onResolve({filter}, ({path: name}) => ({path: `../vendor/${apartFile(name)}`, external: true}))
      },
    },
    absent,
    leanOclif,
    leanSdk(note),
  ],
}

export async function buildAll() {
  fs.rmSync(at('dist'), {recursive: true, force: true})
  for (const name of APART) {
    await build({
      ...common,
      entryPoints: [TAKEN_BY[name] ?? name],
      // Of modules esbuild can leave out what is not used.
      ...(TAKEN_BY[name] && {mainFields: ['module', 'main']}),
      outfile: at('dist', 'vendor', apartFile(name)),
      outExtension: undefined,
      // What it would map to is not in the package.
      sourcemap: false,
    })
  }
  await build({
    ...ours,
    stdin: {contents: entry(), resolveDir: root},
    outfile: at('dist', 'zt', 'zt.cjs'),
    outExtension: undefined,
  })
  // ssh waits for the proxy: files of their own, so that node reads no more than they need.
  await build({
    ...ours,
    entryPoints: {'proxy-main': 'src/lib/tunnel/proxy/main.ts', 'quick-ssh': 'src/lib/tunnel/ssh/quick.ts'},
    outdir: at('dist', 'proxy'),
  })
  await build({
    ...ours,
    entryPoints: ['src/lib/completion/complete-main.ts'],
    outfile: at('dist', 'complete', 'complete.cjs'),
    outExtension: undefined,
  })
  await build({...ours, entryPoints: ['src/lib/secrets/keychain/child.ts'], outdir: at('dist', 'keychain')})
  await build({...ours, entryPoints: ['src/lib/system/build-facts.ts'], outdir: at('dist', 'version')})
  fs.writeFileSync(at('dist', 'oclif.cjs'), OCLIF)
  const others = thirdParty(root, metafiles, {...changesOfOclif, ...changesOfSdk})
  fs.writeFileSync(at('dist', 'THIRD-PARTY-LICENSES.txt'), licenceFile(others))
  writeBuildFacts(root, common.target, others)
}

/** All of zt but the proxy: one file, in which a command is made when it is first asked for. */
function entry() {
  const commands = list('src/commands')
    .sort()
    .map((file) => {
      const words = file.replaceAll(path.sep, '/').slice('src/commands/'.length, -'.ts'.length).split('/')
      if (words.at(-1) === 'index') words.pop()
      return `  get ${JSON.stringify(words.join(':'))}() { return require(${JSON.stringify(`./${file}`)}).default },`
    })
  return [
    "export {main} from './src/lib/cli/main.ts'",
    "export {default as ZtHelp} from './src/lib/cli/help.ts'",
    "export {HELP_TOPICS} from './src/lib/cli/help-topics.ts'",
    "export {askForNames} from './src/lib/command/ask-for-names.ts'",
    "export {default as commandNotFound} from './src/lib/cli/command-not-found.ts'",
    `export const COMMANDS = {\n${commands.join('\n')}\n}`,
  ].join('\n')
}

function list(directory) {
  return fs.readdirSync(at(directory), {withFileTypes: true}).flatMap((one) => {
    const name = `${directory}/${one.name}`
    return one.isDirectory() ? list(name) : [name]
  })
}

/** What package.json tells oclif to load: the bundle that runs already, or else as a module. */
const OCLIF = `module.exports = globalThis[Symbol.for('zt.bundle')] ?? require('./zt/zt.cjs')\n`

/** The texts that bin/help.cjs shows; after the manifest, which they are made of. */
function renderHelp() {
  fs.mkdirSync(at('dist', 'help'))
  const script = at('scripts', 'render-help.mjs')
  for (const [name, colours] of [
    ['plain', {NO_COLOR: '1'}],
    ['coloured', {FORCE_COLOR: '1'}],
  ]) {
    // Nothing of this shell may get into the texts.
    const env = {PATH: process.env.PATH, HOME: process.env.HOME, OCLIF_COLUMNS: '80', ...colours}
    const text = execFileSync(process.execPath, [script], {env, encoding: 'utf8', maxBuffer: 1 << 26})
    fs.writeFileSync(at('dist', 'help', `${name}.json`), text)
  }
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes('--check')) {
    const stale = Object.entries(await generatedFiles(root)).filter(([name, text]) => !isFile(name, text))
    if (stale.length > 0) {
      const names = stale.map(([name]) => name).join(', ')
      console.error(`out of date: ${names}. Run \`npm run build\` and commit the changes`)
      process.exit(1)
    }
  } else {
    await buildAll()
    if (!process.argv.includes('--keep-manifest'))
      for (const [name, text] of Object.entries(await generatedFiles(root)))
        if (!isFile(name, text)) writeFile(at(name), text)
    renderHelp()
    writeManPages(root)
    writeCompletionWords(root)
  }
}

function writeFile(file, text) {
  fs.mkdirSync(path.dirname(file), {recursive: true})
  fs.writeFileSync(file, text)
}

function isFile(name, text) {
  return fs.existsSync(at(name)) && fs.readFileSync(at(name), 'utf8') === text
}
