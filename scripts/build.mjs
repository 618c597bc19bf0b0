// Builds dist/ and oclif.manifest.json (--keep-manifest: dist/ only). --check compares the manifest with dist/ and
// fails when it is stale.
import {execFileSync} from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import {build} from 'esbuild'
import {leanOclif, seldom} from './lean-oclif.mjs'
import {leanSdk} from './lean-sdk.mjs'

const root = path.resolve(import.meta.dirname, '..')
const at = (...parts) => path.join(root, ...parts)
const manifestFile = at('oclif.manifest.json')

/** Bundled CommonJS packages ask for require and __dirname, which ES modules do not have. */
const banner = {
  js: [
    "import{createRequire as zt$createRequire}from'node:module'",
    "import{fileURLToPath as zt$fileURLToPath}from'node:url'",
    "import{dirname as zt$dirname}from'node:path'",
    'const require=zt$createRequire(import.meta.url),__filename=zt$fileURLToPath(import.meta.url),__dirname=zt$dirname(__filename);',
  ].join(';'),
}

const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  splitting: true,
  sourcemap: true,
  sourcesContent: false,
  banner,
  // Native addons stay packages of their own; the optional ones of ssh2 do without. tsx is for bin/dev.js only.
  external: ['keytar', 'cpu-features', '*.node', 'typescript', 'ts-node', 'tsx'],
  logLevel: 'warning',
}

const COMMONJS = {format: 'cjs', splitting: false, banner: {}, outExtension: {'.js': '.cjs'}}

export async function buildAll() {
  fs.rmSync(at('dist'), {recursive: true, force: true})
  await build({
    ...common,
    entryPoints: [
      'src/commands/**/*.ts',
      'src/lib/cli/main.ts',
      'src/lib/cli/help.ts',
      'src/lib/cli/command-not-found.ts',
      'src/lib/secrets/keychain/child.ts',
    ],
    plugins: [leanOclif, leanSdk],
    outbase: 'src',
    outdir: 'dist',
    chunkNames: 'chunks/[name]-[hash]',
  })
  await build({...common, ...COMMONJS, entryPoints: seldom, outdir: 'dist/vendor'})
  await buildProxy()
}

/**
 * ssh waits for the proxy: one CommonJS file of our own code, which node starts sooner than modules, and age beside it,
 * read only where a vault is opened.
 */
async function buildProxy() {
  const cjs = {
    ...common,
    format: 'cjs',
    splitting: false,
    outExtension: {'.js': '.cjs'},
    outdir: 'dist/proxy',
  }
  await build({...cjs, banner: {}, entryPoints: {age: 'age-encryption'}})
  await build({
    ...cjs,
    entryPoints: ['src/lib/tunnel/proxy-main.ts', 'src/lib/tunnel/quick-ssh.ts'],
    banner: {js: "const zt$url=require('node:url').pathToFileURL(__filename).href;"},
    define: {'import.meta.url': 'zt$url'},
    plugins: [
      {
        name: 'age-apart',
        setup: ({onResolve}) => {
          onResolve({filter: /^age-encryption$/}, () => ({path: './age.cjs', external: true}))
        },
      },
    ],
  })
}

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

/** The manifest of the commands as built; written by oclif's own code. */
export async function manifest() {
  // oclif evaluates defaults while it writes; what this shell has set must not get into the package.
  for (const name of Object.keys(process.env))
    if (/^(ZT|CLOUDFLARE|CF|TUNNEL)_/.test(name)) delete process.env[name]
  const {Plugin, settings} = await import('@oclif/core')
  settings.enableAutoTranspile = false
  const plugin = new Plugin({root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true})
  await plugin.load()
  // The file system's order differs from one machine to the next.
  const commands = Object.fromEntries(
    Object.entries(plugin.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1)),
  )
  const text = JSON.stringify({...plugin.manifest, commands}, null, 2) + '\n'
  if (text.includes(root)) throw new Error('the manifest holds a path of this machine')
  return text
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes('--check')) {
    const committed = fs.existsSync(manifestFile) ? fs.readFileSync(manifestFile, 'utf8') : ''
    if (committed !== (await manifest())) {
      console.error('oclif.manifest.json is stale: run `npm run build` and commit it')
      process.exit(1)
    }
  } else {
    await buildAll()
    if (!process.argv.includes('--keep-manifest')) fs.writeFileSync(manifestFile, await manifest())
    renderHelp()
  }
}
